"""Here it is known what a question costs, and whether a budget allows it. The counts are kept in bot/store."""
