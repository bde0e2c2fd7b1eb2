"""Claude's Markdown: read, mended, made harmless and split. Nothing here calls Slack, Claude or Redis."""
