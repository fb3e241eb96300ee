"""The rules of identity, pure: names, passwords, delays, refresh rotation, lifetimes."""
