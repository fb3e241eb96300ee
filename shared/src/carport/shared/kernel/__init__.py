"""Values everything is made of: cents, days, ids and the clock. Standard library only."""
