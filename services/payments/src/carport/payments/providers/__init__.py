"""The outside world: the card processor, the bank, and the days it works."""
