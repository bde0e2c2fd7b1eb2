"""Slack on loopback: Web API, Socket Mode, signed HTTP, limits and page, and nothing that knows of Claude."""
