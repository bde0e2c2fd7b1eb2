"""Calls to Claude: attempts, limits, failures, and their record. What is asked comes from workers/prompt."""
