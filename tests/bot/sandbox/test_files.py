"""Uploads by the app and by people, and downloads with the app's token."""

import aiohttp
import pytest
from slack_sdk.web.async_client import AsyncWebClient

from bot.sandbox import Sandbox
from tests.bot.sandbox.calls import error


async def download(url: str, token: str | None) -> tuple[int, str, bytes]:
    headers = {"Authorization": f"Bearer {token}"} if token else {}
    async with aiohttp.ClientSession() as session, session.get(url, headers=headers) as response:
        return response.status, response.content_type, await response.read()


async def test_upload_by_the_sdk_is_shared_in_the_thread(sandbox: Sandbox, client: AsyncWebClient) -> None:
    question = await sandbox.slack.say("ada", "general", "@parley chart")
    answer = await client.files_upload_v2(
        channel=sandbox.channels["general"], thread_ts=question, filename="chart.csv", content="a,b", title="Chart"
    )
    await sandbox.slack.until(lambda: len(sandbox.slack.thread("general", question)) == 2)
    [file] = sandbox.slack.thread("general", question)[1].files
    assert (file.id, file.title, file.content) == (answer["file"]["id"], "Chart", b"a,b")
    assert (await client.files_info(file=file.id))["file"]["mimetype"] == "text/csv"


async def test_upload_errors(sandbox: Sandbox, client: AsyncWebClient) -> None:
    assert await error(client.files_getUploadURLExternal(filename="a.txt", length=0)) == "missing_argument"
    long = client.files_getUploadURLExternal(filename="a.png", length=3, alt_txt="a" * 1001)
    assert await error(long) == "alt_txt_too_large"
    answer = await client.files_getUploadURLExternal(filename="a.txt", length=3)
    waiting = [{"id": answer["file_id"], "title": "a"}]
    assert await error(client.files_completeUploadExternal(files=waiting)) == "file_not_found"
    async with aiohttp.ClientSession() as session:
        async with session.post(answer["upload_url"], data=b"four") as response:
            assert response.status == 400
        async with session.post(answer["upload_url"], data=b"abc") as response:
            assert response.status == 200
    assert (await client.files_completeUploadExternal(files=waiting))["files"][0]["size"] == 3
    assert await error(client.files_info(file="F0000000000")) == "file_not_found"


async def test_a_snippet_shows_its_beginning_and_where_it_is_shared(sandbox: Sandbox, client: AsyncWebClient) -> None:
    question = await sandbox.slack.say("ada", "general", "@parley notes")
    answer = await client.files_upload_v2(
        channel=sandbox.channels["general"],
        thread_ts=question,
        filename="notes.md",
        content="\n".join(map(str, range(9))),
        snippet_type="markdown",
    )
    await sandbox.slack.until(lambda: len(sandbox.slack.thread("general", question)) == 2)
    file = (await client.files_info(file=answer["file"]["id"]))["file"]
    assert (file["mode"], file["filetype"], file["preview"], file["lines_more"]) == (
        "snippet",
        "markdown",
        "0\n1\n2\n3\n4",
        4,
    )
    [share] = file["shares"]["public"][sandbox.channels["general"]]
    assert (share["thread_ts"], share["ts"]) == (question, sandbox.slack.thread("general", question)[1].ts)


async def test_snippets_have_known_types_and_a_megabyte_at_most(client: AsyncWebClient) -> None:
    odd = client.files_getUploadURLExternal(filename="a.md", length=3, snippet_type="nonsense")
    assert await error(odd) == "unknown_snippet_type"
    large = client.files_getUploadURLExternal(filename="a.md", length=1024 * 1024 + 1, snippet_type="markdown")
    assert await error(large) == "snippet_too_large"


async def test_upload_by_a_person_arrives_as_file_share_and_downloads_with_the_token(sandbox: Sandbox) -> None:
    ts = await sandbox.slack.upload("ada", "dm", [("notes.txt", b"hello")], text="see this")
    told = await sandbox.journal.until(lambda entry: entry.data.get("subtype") == "file_share")
    assert told.data["ts"] == ts
    [file] = sandbox.slack.thread("@ada", ts)[0].files
    url = file.view()["url_private"]
    assert await download(url, sandbox.bot_token) == (200, "text/plain", b"hello")
    for wrong in (None, "xoxb-someone-else"):
        status, kind, body = await download(url, wrong)
        assert (status, kind) == (200, "text/html")
        assert b"hello" not in body


async def test_odd_file_names_and_types_download_too(sandbox: Sandbox) -> None:
    name = "a b/ä#1?.txt"
    ts = await sandbox.slack.upload("ada", "dm", [(name, b"hello")], mimetype="text/plain; charset=utf-8")
    [file] = sandbox.slack.thread("@ada", ts)[0].files
    assert await download(file.url, sandbox.bot_token) == (200, "text/plain", b"hello")


async def test_page_sees_files_by_its_viewer(sandbox: Sandbox) -> None:
    ts = await sandbox.slack.upload("ada", "dm", [("dot.png", b"png")])
    [file] = sandbox.slack.thread("@ada", ts)[0].files
    assert (await download(f"{file.url}?viewer={sandbox.slack.world.viewer}", None))[1:] == ("image/png", b"png")
    assert (await download(f"{file.url}?viewer=guess", None))[1] == "text/html"


async def test_download_without_the_scope_is_a_login_page() -> None:
    async with Sandbox(with_claude=False, scopes=["chat:write"]) as sandbox:
        ts = await sandbox.slack.upload("ada", "dm", [("notes.txt", b"hello")])
        [file] = sandbox.slack.thread("@ada", ts)[0].files
        assert (await download(file.url, sandbox.bot_token))[1] == "text/html"


async def test_file_from_another_company_has_to_be_asked_for(sandbox: Sandbox, client: AsyncWebClient) -> None:
    ts = await sandbox.slack.upload("gwen", "engineering", [("notes.txt", b"hello")])
    [file] = sandbox.slack.thread("engineering", ts)[0].files
    assert file.view()["file_access"] == "check_file_info"
    assert "url_private" not in file.view()
    assert (await client.files_info(file=file.id))["file"]["url_private"] == file.url


@pytest.mark.parametrize("mode", ["tombstone", "hidden_by_limit", "external"])
async def test_some_files_have_no_bytes_here(sandbox: Sandbox, mode: str) -> None:
    ts = await sandbox.slack.upload("ada", "dm", [("notes.txt", b"hello")], mode=mode)
    [file] = sandbox.slack.thread("@ada", ts)[0].files
    assert file.view()["mode"] == mode
    assert not file.view().get("url_private", "").startswith(sandbox.page_url)
