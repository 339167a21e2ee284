"""Networks and lists that a venue fetches once, at set-up."""
