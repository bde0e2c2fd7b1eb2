"""What an attempt at a question billed. It is counted for the reports and settled with the budgets, both or neither."""

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

from bot.store.counts.usage import BilledPiece, Counted, count
from bot.store.rules.budgets import Hold, Settled, settle


@dataclass(frozen=True)
class Bill:
    """`settled` is None if no money was held for the attempt."""

    counted: Counted
    settled: Settled | None = None

    def to_json(self) -> str:
        return json.dumps({"counted": asdict(self.counted), "settled": self._settled_as_stored()})

    @classmethod
    def from_json(cls, data: str) -> "Bill":
        stored: Mapping[str, Any] = json.loads(data)
        pieces = tuple(BilledPiece(**piece) for piece in stored["counted"]["pieces"])
        counted = Counted(**{**stored["counted"], "pieces": pieces})
        settled = stored["settled"]
        if settled is None:
            return cls(counted)
        return cls(counted, Settled(Hold(**settled["reservation"]), settled["cost"]))

    def _settled_as_stored(self) -> dict[str, Any] | None:
        if self.settled is None:
            return None
        return {"reservation": asdict(self.settled.hold), "cost": self.settled.cost}


def pay(pipe: Any, bill: Bill) -> None:
    """Add it to the transaction that ends the attempt, which happens once (invariant 12)."""
    count(pipe, bill.counted)
    if bill.settled:
        settle(pipe, bill.settled)
