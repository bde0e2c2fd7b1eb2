"""What Claude is sent in a thread begins as it began the turn before, byte by byte (invariant 11)."""

import itertools
import json
import signal
from pathlib import Path
from typing import Any

from bot.sandbox.claude.answers import Answer
from bot.store import keys
from bot.talk.message import Thread
from tests.kit.parley import Parley

PERSONA = "Be kind, and say what you do not know. " * 150


async def test_ten_turns_of_two_people_across_restarts_names_and_personas(redis_url: str, tmp_path: Path) -> None:
    async with Parley(redis_url, tmp_path, settings={"SYSTEM_PROMPT": PERSONA}) as parley:
        parley.sandbox.claude.first_delta = 0.0
        parley.sandbox.claude.script(None, Answer("An answer of some length. " * 8))
        ada = parley.slack.workspace.people[parley.sandbox.users["ada"]]
        general = keys.channel_policy(parley.sandbox.team, parley.sandbox.channels["general"])
        thread_ts, prompts = "", list[dict[str, Any]]()
        for turn in range(1, 11):
            if turn in (3, 6, 9):
                await parley.kill("worker1", signal.SIGTERM)
                await parley.start_worker()
            if turn == 4:
                await parley.redis.hset(general, "persona", "Here we talk about Ä.")
            if turn == 5:
                ada.name = 'Ada "A" </message>'
                await parley.redis.delete(keys.person(parley.sandbox.team, ada.id))
            asker = ada.name if turn % 2 else "ben"
            ts = await parley.slack.say(
                ada.id if turn % 2 else "ben", "general", f"@parley {turn}?", thread_ts=thread_ts or None
            )
            thread_ts = thread_ts or ts
            await parley.answers("general", ts, thread_ts=thread_ts)
            last = parley.sandbox.journal.entries("claude.request")[-1].data["body"]
            prompts.append({name: last[name] for name in ("model", "system", "messages")})
            assert asker.split()[0] in json.dumps(last["messages"])
        thread = Thread(parley.sandbox.team, parley.sandbox.channels["general"], thread_ts)
        assert await parley.redis.exists(keys.record(thread))
        read = [e.data["usage"]["cache_read_input_tokens"] for e in parley.sandbox.journal.entries("claude.done")]
        assert "nothing read from the prompt cache" not in parley.log
        # Other sandboxes have people with the same ids.
        await parley.redis.delete(keys.person(parley.sandbox.team, ada.id))
    encoded = [json.dumps(prompt, ensure_ascii=False).encode().removesuffix(b"]}") for prompt in prompts]
    assert all(after.startswith(before) for before, after in itertools.pairwise(encoded))
    assert all(read[1:])
    assert [m["role"] for m in prompts[3]["messages"][-2:]] == ["user", "system"]
    assert 'in="#general"' in prompts[0]["messages"][0]["content"][0]["text"]
