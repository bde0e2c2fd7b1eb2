"""What was asked, spent and thought of answers, as counts. Who may spend how much is in store/rules."""
