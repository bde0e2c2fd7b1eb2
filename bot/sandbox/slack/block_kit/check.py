"""The language in which Block Kit's rules are written: rules for values, and shapes of objects made of them."""

import math
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, TypeAlias


class Check:
    """Collects what is wrong, in Slack's words: "must be less than 76 characters [json-pointer:/blocks/0/text]".

    `surface` is "message", "modal" or "home"; `block` is the pointer of the block that is looked at.
    """

    def __init__(self, surface: str) -> None:
        self.surface = surface
        self.problems: list[str] = []
        self.block = ""
        self._actions: set[tuple[str, str]] = set()
        self._has_focus = False

    def wrong(self, problem: str, path: str) -> None:
        self.problems.append(f"{problem} [json-pointer:{path}]")

    def action(self, name: str, path: str) -> None:
        """Unique in its block: https://docs.slack.dev/reference/block-kit/block-elements/button-element"""
        if (self.block, name) in self._actions:
            self.wrong(f"action_id {name} already exists", path)
        self._actions.add((self.block, name))

    def focus(self, path: str) -> None:
        """One element may have the focus: https://docs.slack.dev/reference/block-kit/block-elements"""
        if self._has_focus:
            self.wrong("only one element can have focus_on_load", path)
        self._has_focus = True


Rule: TypeAlias = Callable[[Check, Any, str], None]
"""Looks at one value, and tells the check what is wrong with it and where."""


@dataclass(frozen=True)
class Shape:
    """The rule for an object: the rule for each field that it may have, the fields that it needs, and what else holds.

    A field that is null counts as not given.
    """

    fields: Mapping[str, Rule]
    needs: tuple[str, ...] = ()
    more: tuple[Rule, ...] = ()

    def __call__(self, check: Check, value: Any, path: str) -> None:
        if not isinstance(value, dict):
            check.wrong("must be an object", path)
            return
        for name in value.keys() - self.fields.keys():
            check.wrong(f"invalid additional property: {name}", path)
        for name, rule in self.fields.items():
            if value.get(name) is not None:
                rule(check, value[name], f"{path}/{name}")
            elif name in self.needs:
                check.wrong(f"missing required field: {name}", path)
        for rule in self.more:
            rule(check, value, path)


def of_kind(fields: Mapping[str, Rule], needs: tuple[str, ...] = (), more: tuple[Rule, ...] = ()) -> Shape:
    """The shape of an object that has a `type`, which whoever chose this shape has looked at."""
    return Shape({"type": anything, **fields}, needs, more)


def kinds(shapes: Mapping[str, Rule]) -> Rule:
    """An object whose `type` is one of these."""

    def rule(check: Check, value: Any, path: str) -> None:
        if not isinstance(value, dict):
            check.wrong("must be an object", path)
            return
        shape = shapes.get(str(value.get("type")))
        if shape is None:
            check.wrong(f"unsupported type: {value.get('type')}", f"{path}/type")
            return
        shape(check, value, path)

    return rule


def anything(check: Check, value: Any, path: str) -> None:
    pass


def string(most: int, least: int = 0) -> Rule:
    def rule(check: Check, value: Any, path: str) -> None:
        if not isinstance(value, str):
            check.wrong("must be a string", path)
        elif len(value) > most:
            check.wrong(f"must be less than {most + 1} characters", path)
        elif len(value) < least:
            check.wrong(f"must be more than {least - 1} characters", path)

    return rule


def matching(pattern: str, form: str) -> Rule:
    """A string of this pattern; `form` is what people call it."""

    def rule(check: Check, value: Any, path: str) -> None:
        if not isinstance(value, str) or not re.fullmatch(pattern, value):
            check.wrong(f"must have the form {form}", path)

    return rule


def one_of(*choices: str) -> Rule:
    def rule(check: Check, value: Any, path: str) -> None:
        if value not in choices:
            check.wrong(f"must be one of: {', '.join(choices)}", path)

    return rule


def flag(check: Check, value: Any, path: str) -> None:
    if not isinstance(value, bool):
        check.wrong("must be a boolean", path)


def whole(least: int, most: int) -> Rule:
    """A whole number from `least` to `most`."""

    def rule(check: Check, value: Any, path: str) -> None:
        if not isinstance(value, int) or isinstance(value, bool):
            check.wrong("must be an integer", path)
        elif not least <= value <= most:
            check.wrong(f"must be between {least} and {most}", path)

    return rule


def number(check: Check, value: Any, path: str) -> None:
    if not isinstance(value, int | float) or isinstance(value, bool) or not math.isfinite(value):
        check.wrong("must be a number", path)


def positive_number(check: Check, value: Any, path: str) -> None:
    if not isinstance(value, int | float) or isinstance(value, bool) or not math.isfinite(value) or value <= 0:
        check.wrong("must be a positive number", path)


def listed(item: Rule, most: int, least: int = 1) -> Rule:
    def rule(check: Check, value: Any, path: str) -> None:
        if not isinstance(value, list):
            check.wrong("must be an array", path)
            return
        if len(value) > most:
            check.wrong(f"no more than {most} items allowed", path)
        if len(value) < least:
            check.wrong(f"must provide at least {least} items", path)
        for at, one in enumerate(value):
            item(check, one, f"{path}/{at}")

    return rule


def exactly_one(*names: str) -> Rule:
    """Of these fields one is given, and no more."""

    def rule(check: Check, value: Any, path: str) -> None:
        given = [name for name in names if value.get(name) is not None]
        if not given:
            check.wrong(f"missing required field: {names[0]}", path)
        if len(given) > 1:
            check.wrong(f"only one of {', '.join(names)} is allowed", path)

    return rule


def at_least_one(*names: str) -> Rule:
    def rule(check: Check, value: Any, path: str) -> None:
        if all(value.get(name) is None for name in names):
            check.wrong(f"missing required field: {names[0]}", path)

    return rule
