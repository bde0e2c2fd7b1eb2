"""How what somebody did in Slack is read, who may ask, and how a message is taken in; no answer is written here."""
