"""Everything that is kept in Redis. Nobody here calls Slack or Claude."""
