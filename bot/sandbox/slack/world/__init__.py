"""The state that all the rest of the sandbox's Slack acts on, and nothing that serves a request or a Web API method."""
