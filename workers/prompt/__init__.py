"""Here a thread becomes a request to Claude. Nobody here calls Claude for an answer or writes to Slack."""
