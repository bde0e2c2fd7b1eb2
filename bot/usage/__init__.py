"""The usage report, from the words after `/parley usage` to its figures and to CSV. Slack's blocks are in bot/views."""
