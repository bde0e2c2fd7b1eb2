"""How Slack is called, and what Slack tells of people, channels and us. What is said to people lives elsewhere."""
