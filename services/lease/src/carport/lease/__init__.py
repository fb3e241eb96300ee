"""lease: everything that happens when a lease ends."""
