"""Files of a thread, against a sandbox's Slack: shared once, whatever is lost on the way."""

from collections.abc import AsyncIterator
from typing import Any

import pytest
from slack_sdk.errors import SlackApiError
from slack_sdk.web.async_client import AsyncWebClient

from bot.sandbox import Sandbox
from bot.sandbox.slack.world.records import File
from bot.settings import Settings
from bot.slack import client as slack
from bot.slack.errors import SLACK_TROUBLE, error_name
from bot.talk.message import Thread
from workers.draft.upload import MarkdownFile, NoUpload, upload_markdown

TEXT = "# The rest\n\n" + "\n".join(f"- line {n} äöü" for n in range(500))


@pytest.fixture
async def web(sandbox: Sandbox) -> AsyncIterator[AsyncWebClient]:
    async with client(sandbox) as web:
        yield web


def client(sandbox: Sandbox) -> Any:
    """A call may take half of the lease: a second."""
    return slack.client(Settings.load(environ={**sandbox.environ(), "LEASE_SECONDS": "2"}, dotenv=None))


class Caller:
    """What a reply does: it keeps the id, and comes again with it."""

    def __init__(self, sandbox: Sandbox, web: AsyncWebClient, channel: str = "general") -> None:
        self.sandbox, self.web, self.channel = sandbox, web, channel
        self.known: str | None = None
        self.thread_ts = ""

    async def upload(self) -> None:
        self.thread_ts = self.thread_ts or await self.sandbox.slack.say("ada", self.channel, "@parley all of it")
        channel = self.sandbox.slack.workspace.channel("@ada" if self.channel == "dm" else self.channel)
        thread = Thread(self.sandbox.team, channel.id, self.thread_ts)
        file = MarkdownFile(TEXT, "answer.md", "The whole answer")
        await upload_markdown(self.web, thread, file, known=self.known, keep=self.keep)

    async def keep(self, file: str) -> None:
        assert self.shared == []
        self.known = file

    @property
    def shared(self) -> list[File]:
        channel = "@ada" if self.channel == "dm" else self.channel
        return [file for message in self.sandbox.slack.thread(channel, self.thread_ts) for file in message.files]


@pytest.fixture
def caller(sandbox: Sandbox, web: AsyncWebClient) -> Caller:
    return Caller(sandbox, web)


def calls(sandbox: Sandbox, method: str) -> int:
    return len(sandbox.journal.entries("slack.request", method))


@pytest.mark.parametrize("channel", ["general", "engineering", "dm"])
async def test_the_text_is_shared_in_the_thread_with_a_preview(
    sandbox: Sandbox, web: AsyncWebClient, channel: str
) -> None:
    caller = Caller(sandbox, web, channel)
    await caller.upload()
    [file] = caller.shared
    assert (file.id, file.title, file.name) == (caller.known, "The whole answer", "answer.md")
    assert file.content.decode() == TEXT
    assert file.full()["filetype"] == "markdown"
    assert file.full()["preview"].startswith("# The rest")
    message = sandbox.slack.thread("@ada" if channel == "dm" else channel, caller.thread_ts)[-1]
    assert message.files == [file]


async def test_a_second_call_finds_the_file_of_the_first(sandbox: Sandbox, caller: Caller) -> None:
    await caller.upload()
    first = caller.known
    await caller.upload()
    assert [file.id for file in caller.shared] == [first]
    assert calls(sandbox, "files.getUploadURLExternal") == 1


async def test_a_lost_answer_leaves_one_file(sandbox: Sandbox, caller: Caller) -> None:
    sandbox.faults.add("files.completeUploadExternal", "reset", after=True, times=1)
    with pytest.raises(SLACK_TROUBLE):
        await caller.upload()
    await caller.upload()
    assert [file.id for file in caller.shared] == [caller.known]


async def test_a_call_that_died_before_it_completed_is_made_again(sandbox: Sandbox, caller: Caller) -> None:
    sandbox.faults.add("files.completeUploadExternal", "reset", times=1)
    with pytest.raises(SLACK_TROUBLE):
        await caller.upload()
    unfinished = caller.known
    await caller.upload()
    assert caller.known != unfinished
    assert [file.id for file in caller.shared] == [caller.known]


async def test_what_keeping_raises_ends_it_unseen(sandbox: Sandbox, web: AsyncWebClient) -> None:
    async def lost(file: str) -> None:
        raise LookupError

    ts = await sandbox.slack.say("ada", "general", "@parley all of it")
    thread = Thread(sandbox.team, sandbox.channels["general"], ts)
    with pytest.raises(LookupError):
        await upload_markdown(web, thread, MarkdownFile(TEXT, "answer.md", "Answer"), keep=lost)
    assert calls(sandbox, "files.completeUploadExternal") == 0


async def test_a_file_that_somebody_deleted_is_not_uploaded_again(sandbox: Sandbox, caller: Caller) -> None:
    await caller.upload()
    sandbox.slack.workspace.files[caller.known or ""].mode = "tombstone"
    await caller.upload()
    assert calls(sandbox, "files.getUploadURLExternal") == 1


async def test_a_file_that_slack_never_shares_is_told(sandbox: Sandbox, caller: Caller) -> None:
    sandbox.faults.add("files.share", "dropped", times=1)
    with pytest.raises(NoUpload, match="never_shared"):
        await caller.upload()
    assert caller.shared == []


@pytest.mark.parametrize("error", ["file_uploads_disabled", "storage_limit_reached"])
async def test_a_workspace_without_uploads_is_told_apart(sandbox: Sandbox, caller: Caller, error: str) -> None:
    sandbox.faults.add("files.getUploadURLExternal", "error", error=error)
    with pytest.raises(NoUpload, match=error):
        await caller.upload()


async def test_the_missing_scope_is_told_apart() -> None:
    async with Sandbox(with_claude=False, scopes=["chat:write", "files:read"]) as sandbox, client(sandbox) as web:
        with pytest.raises(NoUpload, match="missing_scope"):
            await Caller(sandbox, web).upload()


async def test_without_the_scope_to_look_slacks_ok_counts() -> None:
    async with Sandbox(with_claude=False, scopes=["chat:write", "files:write"]) as sandbox, client(sandbox) as web:
        caller = Caller(sandbox, web)
        await caller.upload()
        await sandbox.slack.until(lambda: caller.shared)
        assert [file.id for file in caller.shared] == [caller.known]


async def test_where_slack_lets_nobody_look_its_ok_counts(sandbox: Sandbox, caller: Caller) -> None:
    sandbox.faults.add("files.info", "error", error="unknown_method")
    await caller.upload()
    await sandbox.slack.until(lambda: caller.shared)
    assert [file.id for file in caller.shared] == [caller.known]


async def test_what_slack_says_about_the_thread_is_passed_on(sandbox: Sandbox, caller: Caller) -> None:
    sandbox.faults.add("files.completeUploadExternal", "error", error="is_archived")
    with pytest.raises(SlackApiError) as refused:
        await caller.upload()
    assert error_name(refused.value) == "is_archived"


@pytest.mark.parametrize(("status", "raised"), [(403, NoUpload), (503, SLACK_TROUBLE)])
async def test_bytes_that_are_not_taken(sandbox: Sandbox, caller: Caller, status: int, raised: Any) -> None:
    sandbox.faults.add("files.upload", "status", status=status)
    with pytest.raises(raised):
        await caller.upload()
    assert calls(sandbox, "files.completeUploadExternal") == 0
