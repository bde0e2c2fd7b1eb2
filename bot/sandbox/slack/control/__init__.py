"""How the page and other programs drive the sandbox over HTTP, and nothing of what the app itself calls."""
