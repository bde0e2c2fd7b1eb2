"""A reply while it is written: what its Slack messages shall be, and the calls that make them so. Reading and mending
Markdown is for workers/markdown."""
