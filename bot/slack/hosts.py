"""Which addresses are Slack's own, of those that a delivery names: an event or a click may say any.

An address is read by the parser of the client that calls it, so that the two cannot differ about its host or its path.
"""

from yarl import URL

# By the host of the Web API: https://docs.slack.dev/govslack for the second.
HOOKS = {"slack.com": "hooks.slack.com", "slack-gov.com": "hooks.slack-gov.com"}
FILES = {"slack.com": "files.slack.com", "slack-gov.com": "files.slack-gov.com"}
# Where a Slack that is none of these, such as the sandbox, serves files beside its API.
FILE_PATHS = ("/files-pri/", "/files-tmb/")


def takes_responses(url: str, base_url: str) -> bool:
    """Whether the address may be a response_url of the Slack whose API is at `base_url`."""
    to, api = _read(url), URL(base_url)
    if to is None:
        return False
    if api.host in HOOKS:
        return to.scheme == "https" and to.port == 443 and to.host == HOOKS[api.host]
    return to.origin() == api.origin()


def serves_files(url: str, base_url: str) -> bool:
    """Whether a file of that Slack may be at the address; the bot token goes there."""
    to, api = _read(url), URL(base_url)
    if to is None:
        return False
    if api.host in FILES:
        return to.scheme == "https" and to.port == 443 and to.host == FILES[api.host]
    steps_up = ".." in to.path.replace("%2F", "/").split("/")
    return to.origin() == api.origin() and to.path.startswith(FILE_PATHS) and not steps_up


def _read(url: str) -> URL | None:
    """None for what is no whole address, and for one that names a user, so that its host is easily misread."""
    try:
        read = URL(url)
        read.origin()
    except (ValueError, TypeError):
        return None
    if read.user is not None or read.password is not None or read.host is None:
        return None
    return read
