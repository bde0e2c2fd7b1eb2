"""A reply in Slack while it grows: what its messages shall be, and their calls. Markdown is in workers/markdown."""
