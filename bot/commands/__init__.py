"""What people type after /parley, a module for each word. Events, buttons and forms are heard in bot/listeners."""
