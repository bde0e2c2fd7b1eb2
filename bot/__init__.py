"""What Slack talks to, and how it is started. It never imports workers."""
