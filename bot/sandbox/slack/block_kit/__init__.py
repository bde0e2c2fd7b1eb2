"""Block Kit: what each block, element and object may hold. https://docs.slack.dev/reference/block-kit

Fields, lengths and choices follow the reference pages and the types that Slack publishes for its clients (slack_sdk's
models, @slack/types); where these differ, the stricter counts. Slack's schema allows no further fields anywhere.
"""
