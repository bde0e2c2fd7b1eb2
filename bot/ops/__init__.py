"""What operators start and watch: processes, Redis, health, metrics, alerts. No question is answered here."""
