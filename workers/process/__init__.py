"""Here lives the worker process, with its slots, its event loop and its leases. The job itself is workers/reply.py."""
