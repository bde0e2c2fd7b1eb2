"""What operators start and watch: processes, Redis, health, metrics, alerts. Nobody here answers a question."""
