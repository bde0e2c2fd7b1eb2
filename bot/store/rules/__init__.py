"""What admins decide: policy, access, budgets, limits, and the audit. What was spent is in store/counts."""
