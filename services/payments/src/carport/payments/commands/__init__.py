"""What payments can be told to do: load, decide, store. Nothing here commits."""
