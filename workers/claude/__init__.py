"""Here live the calls to Claude, with their limits, failures and log. The requests are made in workers/prompt."""
