"""The customers' pages: a client of the gateway's public API with server-side browser sessions."""
