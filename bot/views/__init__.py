"""What people see in Slack, made of values as blocks of Block Kit. Nothing here reads Redis or calls Slack."""
