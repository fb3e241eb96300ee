"""payments: methods, payments, the card processor and ACH files."""
