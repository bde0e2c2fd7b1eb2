"""What people share, as content blocks for Claude. What is kept of it is in bot/store."""
