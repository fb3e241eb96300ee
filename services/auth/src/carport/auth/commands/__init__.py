"""What people can do, by topic: load, decide, store. The edge hashes, commits and answers."""
