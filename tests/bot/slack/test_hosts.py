"""Which addresses of a delivery are called, with or without the token."""

import pytest

from bot.slack.hosts import serves_files, takes_responses

SLACK, GOV, SANDBOX = "https://slack.com/api/", "https://slack-gov.com/api/", "http://127.0.0.1:5000/api/"


@pytest.mark.parametrize(
    ("api", "url", "expected"),
    [
        (SLACK, "https://files.slack.com/files-pri/T1-F1/a.png", True),
        (SLACK, "https://files.slack.com:443/files-tmb/T1-F1/a.png", True),
        (SLACK, "https://FILES.SLACK.COM/a.png", True),
        (GOV, "https://files.slack-gov.com/files-pri/T1-F1/a.png", True),
        (SANDBOX, "http://127.0.0.1:5000/files-pri/F1/a%2Fb.png", True),
        (SANDBOX, "http://127.0.0.1:5000/files-tmb/F1/a..b.png", True),
        (SLACK, "https://slack.com/files/a.png", False),
        (SLACK, "https://slack.com/api/auth.test", False),
        (SLACK, "https://files.slack-gov.com/a.png", False),
        (GOV, "https://files.slack.com/a.png", False),
        (SLACK, "http://files.slack.com/a.png", False),
        (SLACK, "https://files.slack.com:8443/a.png", False),
        (SLACK, "https://files.slack.com./a.png", False),
        (SLACK, "https://files.slack.com.evil.example/a.png", False),
        (SLACK, "https://evil.example/files.slack.com/a.png", False),
        (SLACK, "https://files.slack.com@evil.example/a.png", False),
        (SLACK, "https://user@files.slack.com/a.png", False),
        (SLACK, "https://files.slack.com\\@evil.example/a.png", False),
        (SLACK, "//files.slack.com/a.png", False),
        (SLACK, "/files-pri/a.png", False),
        (SLACK, "file:///files-pri/a.png", False),
        (SLACK, "https://[x/a.png", False),
        (SLACK, "https://files.slack.com:port/a.png", False),
        (SLACK, "", False),
        (SANDBOX, "https://files.slack.com/files-pri/T1-F1/a.png", False),
        (SANDBOX, "http://127.0.0.1:5001/files-pri/F1/a.png", False),
        (SANDBOX, "https://127.0.0.1:5000/files-pri/F1/a.png", False),
        (SANDBOX, "http://127.0.0.1:5000/api/auth.test", False),
        (SANDBOX, "http://127.0.0.1:5000/api/auth.test?/files-pri/", False),
        (SANDBOX, "http://127.0.0.1:5000/files-private", False),
        (SANDBOX, "http://127.0.0.1:5000/files-pri/../api/auth.test", False),
        (SANDBOX, "http://127.0.0.1:5000/files-pri/%2E%2e/api/auth.test", False),
        (SANDBOX, "http://127.0.0.1:5000/files-pri/..%2fapi/auth.test", False),
        (SANDBOX, "http://127.0.0.1:5000//files-pri/F1/a.png", False),
    ],
)
def test_the_token_goes_to_slacks_file_server_only(api: str, url: str, expected: bool) -> None:
    assert serves_files(url, api) is expected


@pytest.mark.parametrize(
    ("api", "url", "expected"),
    [
        (SLACK, "https://hooks.slack.com/commands/T1/1/x", True),
        (SLACK, "https://hooks.slack.com/actions/T1/1/x", True),
        (GOV, "https://hooks.slack-gov.com/commands/T1/1/x", True),
        (SANDBOX, "http://127.0.0.1:5000/respond/x", True),
        (SLACK, "http://hooks.slack.com/commands/T1/1/x", False),
        (SLACK, "https://hooks.slack.com:444/commands/T1/1/x", False),
        (SLACK, "https://slack.com/api/chat.postMessage", False),
        (SLACK, "https://hooks.slack.com.evil.example/x", False),
        (SLACK, "https://hooks.slack.com@evil.example/x", False),
        (SLACK, "https://evil.example/hooks.slack.com", False),
        (SLACK, "http://169.254.169.254/latest/meta-data", False),
        (SLACK, "", False),
        (SANDBOX, "https://hooks.slack.com/commands/T1/1/x", False),
        (SANDBOX, "http://127.0.0.1:6379/respond/x", False),
        (SANDBOX, "http://localhost:5000/respond/x", False),
    ],
)
def test_answers_go_to_slacks_hooks_only(api: str, url: str, expected: bool) -> None:
    assert takes_responses(url, api) is expected
