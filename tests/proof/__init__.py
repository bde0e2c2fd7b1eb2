"""Programs and types of others, from npm: JavaScript bots, clients of Claude, and what Slack publishes as types.

They run with `make proof`, not with `make test`, and are skipped where Node or npm is missing.
"""
