"""Rules of notices: which kinds there are, which are required, and what a customer may choose."""
