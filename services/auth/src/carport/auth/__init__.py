"""auth: people who log in, their sessions and the signing keys."""
