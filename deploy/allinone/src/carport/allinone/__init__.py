"""Every unit in one process: the embedded default."""
