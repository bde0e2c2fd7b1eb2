"""Our client for a Claude of the sandbox's; a module that wants this Claude to say something overrides `sandbox`."""

from collections.abc import AsyncIterator

import pytest

from bot.sandbox import Claude as Sandbox
from tests.kit.claude import connected, serving
from workers.claude.client import ClaudeClient


@pytest.fixture
async def sandbox() -> AsyncIterator[Sandbox]:
    async with serving() as sandbox:
        yield sandbox


@pytest.fixture
async def claude(sandbox: Sandbox) -> AsyncIterator[ClaudeClient]:
    async with connected(sandbox) as claude:
        yield claude
