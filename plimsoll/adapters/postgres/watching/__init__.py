"""What is kept of customers' accounts: events, and what watching them makes of it."""
