"""What people can do with /parley, a module for each command; that one was typed is heard in bot/listeners."""
