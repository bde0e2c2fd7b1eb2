"""How something that somebody did in Slack is read, and whether they may ask; nothing here writes an answer."""
