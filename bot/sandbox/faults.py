"""Faults that a test, a chaos run or the page switches on, route by route."""

import random
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True)
class Fault:
    """One thing that goes wrong.

    `kind` is what the route makes of it ("delay", "status", "rate_limit", "reset", "half", "error", ...), with
    `params` as its details (seconds, status, retry_after, error, ...). The routes document the kinds they know.
    """

    kind: str
    params: Mapping[str, Any] = field(default_factory=dict)


@dataclass
class _Plan:
    fault: Fault
    probability: float
    left: int | None


class Faults:
    """Which fault a request meets. Routes are method names ("chat.update") or paths ("/v1/messages")."""

    def __init__(self, seed: int | None = None) -> None:
        self._random = random.Random(seed)
        self._plans: dict[str, list[_Plan]] = {}

    def add(self, route: str, kind: str, *, probability: float = 1.0, times: int | None = None, **params: Any) -> None:
        """Let requests to `route` meet the fault, each with `probability`, and at most `times` of them."""
        self._plans.setdefault(route, []).append(_Plan(Fault(kind, params), probability, times))

    def script(self, route: str, *faults: Fault | None) -> None:
        """The next requests to `route` meet these in order, one each; None lets a request go well."""
        self._plans.setdefault(route, []).extend(_Plan(fault or Fault("none"), 1.0, 1) for fault in faults)

    def clear(self, route: str | None = None) -> None:
        if route is None:
            self._plans.clear()
        else:
            self._plans.pop(route, None)

    def plans(self) -> dict[str, list[tuple[Fault, float, int | None]]]:
        """What is switched on now: (fault, probability, times left) by route."""
        return {
            route: [(p.fault, p.probability, p.left) for p in plans] for route, plans in self._plans.items() if plans
        }

    def draw(self, route: str) -> Fault | None:
        """The fault that this request meets, or None. It counts as met, so call this once a request."""
        plans = self._plans.get(route, [])
        for plan in plans:
            if self._random.random() >= plan.probability:
                continue
            if plan.left is not None:
                plan.left -= 1
                if plan.left == 0:
                    plans.remove(plan)
            return None if plan.fault.kind == "none" else plan.fault
        return None
