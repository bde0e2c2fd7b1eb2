"""The events in a response, bounded: whoever sends very many or very large ones keeps nobody else waiting."""

import asyncio
from collections.abc import AsyncIterator

import anthropic
from anthropic._streaming import ServerSentEvent, SSEDecoder

# Far more than any event has; a page of a PDF is some hundred kilobytes.
MOST_EVENT_BYTES = 8_000_000
# Others have their turn on the loop after so many lines, of which ten thousand take a few milliseconds.
LINES_A_TURN = 500
BLANK_LINES = (b"\n\n", b"\r\r", b"\r\n\r\n")


class EventTooLarge(ValueError):
    """Its end is not in sight."""


class BoundedDecoder(SSEDecoder):
    """The SDK's decoder, whose own way to find an event's end takes the longer the more lines there are before it."""

    async def aiter_bytes(self, iterator: AsyncIterator[bytes]) -> AsyncIterator[ServerSentEvent]:
        """Raises EventTooLarge, and UnicodeDecodeError for what is no UTF-8."""
        number = 0
        async for piece in _pieces(iterator):
            for line in piece.splitlines():
                number += 1
                if number % LINES_A_TURN == 0:
                    await asyncio.sleep(0)
                event = self.decode(line.decode())
                if event is not None:
                    yield event


class BoundedClient(anthropic.AsyncAnthropic):
    """The SDK's client, which reads events in bounds."""

    def _make_sse_decoder(self) -> SSEDecoder:
        return BoundedDecoder()


async def _pieces(chunks: AsyncIterator[bytes]) -> AsyncIterator[bytes]:
    """The body in pieces that end with events, and what is left at its end."""
    held = bytearray()
    async for chunk in chunks:
        # A blank line may be spread over two chunks.
        seen = max(0, len(held) - 3)
        held += chunk
        ends = [found + len(blank) for blank in BLANK_LINES if (found := held.rfind(blank, seen)) >= 0]
        if ends:
            end = max(ends)
            yield bytes(held[:end])
            del held[:end]
        if len(held) > MOST_EVENT_BYTES:
            raise EventTooLarge
        await asyncio.sleep(0)
    if held:
        yield bytes(held)
