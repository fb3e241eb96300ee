"""What the tests of the whole suite share: a running suite of their own and a client of its API."""
