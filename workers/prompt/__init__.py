"""A thread as the request that Claude gets. Nobody here sends an answer to Slack."""
