"""A worker process: its slots, its event loop, its leases. What a job does is in workers/reply.py."""
