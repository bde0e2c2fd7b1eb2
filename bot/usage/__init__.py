"""What was used and what it cost, from the question to the report. The counts themselves are in bot/store."""
