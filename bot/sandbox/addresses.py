"""Which requests are meant for the sandbox: those that name its own machine, and no other web page's."""

NAMES = ("127.0.0.1", "localhost")


def is_own_host(host: str | None) -> bool:
    """Whether a Host header names this machine.

    A web page can reach the sandbox under a name of its own that it makes point here; the name tells. The port does not
    matter: some clients leave it out, among them slack_sdk's Socket Mode client.
    """
    name = (host or "").partition(":")[0]
    return name.lower() in NAMES


def is_own_origin(origin: str | None, port: int) -> bool:
    """Whether a request comes from no web page, or from the sandbox's own. Here the port counts."""
    return origin is None or origin in [f"http://{name}:{port}" for name in NAMES]
