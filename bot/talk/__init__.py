"""What people say, as values: messages, their files, the words of commands. Nobody here knows Redis or calls Slack."""
