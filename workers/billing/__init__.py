"""What a question costs, and whether it may be paid for. What is kept of it is in bot/store."""
