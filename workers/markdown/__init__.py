"""Claude's text, made safe and whole, and cut into pieces. Nobody here knows Slack or Claude."""
