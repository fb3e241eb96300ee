"""Server-rendered pages that call only the public API."""
