"""Scenarios that need a Parley of their own: other settings, or nobody beside them."""
