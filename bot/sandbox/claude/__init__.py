"""A Claude on loopback: /v1/messages in the exact SSE of the API, its validation, its cache and its faults."""
