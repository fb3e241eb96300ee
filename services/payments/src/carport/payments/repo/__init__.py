"""Rows and the values made of them. Nothing here decides, commits or publishes."""
