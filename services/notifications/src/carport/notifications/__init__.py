"""notifications: preferences, templates, delivery and chat."""
