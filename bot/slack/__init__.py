"""Calls to Slack, and what we know of its limits, people and sessions. What the calls say comes from elsewhere."""
