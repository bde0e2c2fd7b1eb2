"""Pieces of Block Kit that the page shows: forms, charts and tables too."""

from typing import Any

JSON = dict[str, Any]


def plain(text: str) -> JSON:
    return {"type": "plain_text", "text": text}


def mrkdwn(text: str) -> JSON:
    return {"type": "mrkdwn", "text": text}


def option(text: str, value: str) -> JSON:
    return {"text": plain(text), "value": value}


def button(action: str, text: str, **more: Any) -> JSON:
    return {"type": "button", "action_id": action, "text": plain(text), **more}


def field(name: str, label: str, **element: Any) -> JSON:
    """An input block; its element's action_id is its name and "_value"."""
    named = {**element, "action_id": f"{name}_value"}
    return {"type": "input", "block_id": name, "label": plain(label), "element": named}


def series(name: str, *values: float) -> JSON:
    return {"name": name, "data": [{"label": f"day {n}", "value": value} for n, value in enumerate(values)]}


def chart(kind: str, *lines: JSON) -> JSON:
    """A line, bar or area chart of `series`."""
    axis = {"categories": [point["label"] for point in lines[0]["data"]], "x_label": "Day", "y_label": "Tokens"}
    drawn = {"type": kind, "series": list(lines), "axis_config": axis}
    return {"type": "data_visualization", "title": f"A {kind} chart", "chart": drawn}


def raw(text: str) -> JSON:
    return {"type": "raw_text", "text": text}
