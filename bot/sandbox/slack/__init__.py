"""A Slack on loopback: the Web API, Socket Mode and signed HTTP, its limits and its page."""
