"""The only published port: routing, token check, limits."""
