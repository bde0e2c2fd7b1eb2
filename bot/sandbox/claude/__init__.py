"""Claude's Messages API on loopback: its checks, streams, cache, limits and faults, and nothing that knows of Slack."""
