"""What is kept of a thread: its mailbox, its history, its replies. What holds for a whole team is beside it."""
