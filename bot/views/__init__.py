"""What people see, as Slack's blocks made of values. Nobody here reads Redis or calls Slack."""
