"""What an attempt at a question billed: counted for the reports and settled with the caps, both or neither."""

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

from bot.store.counts.usage import BilledPiece, Counted, count
from bot.store.rules.budgets import Reservation, Settled, settle


@dataclass(frozen=True)
class Bill:
    """`settled` is None where nothing was held back."""

    counted: Counted
    settled: Settled | None = None

    def to_json(self) -> str:
        return json.dumps(asdict(self))

    @classmethod
    def from_json(cls, data: str) -> "Bill":
        stored: Mapping[str, Any] = json.loads(data)
        counted, settled = stored["counted"], stored["settled"]
        pieces = tuple(BilledPiece(**piece) for piece in counted["pieces"])
        return cls(
            Counted(**{**counted, "pieces": pieces}),
            settled and Settled(Reservation(**settled["reservation"]), settled["cost"]),
        )


def pay(pipe: Any, bill: Bill) -> None:
    """In the transaction that makes it happen once (invariant 12)."""
    count(pipe, bill.counted)
    if bill.settled:
        settle(pipe, bill.settled)
