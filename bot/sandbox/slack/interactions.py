"""Slash commands, clicks and modals. https://docs.slack.dev/interactivity/handling-user-interaction"""

from collections.abc import Iterator
from typing import Any

from bot.sandbox.slack.delivery import Delivery, Unanswered
from bot.sandbox.slack.responses import Reply, Responses
from bot.sandbox.slack.text import typed_command
from bot.sandbox.slack.views import checked
from bot.sandbox.slack.world.records import JSON, Channel, Message, Person
from bot.sandbox.slack.world.state import World
from bot.sandbox.slack.world.views import View

_CHOICES = {
    "users_select": "selected_user",
    "conversations_select": "selected_conversation",
    "channels_select": "selected_channel",
    "datepicker": "selected_date",
    "timepicker": "selected_time",
    "datetimepicker": "selected_date_time",
    "multi_users_select": "selected_users",
    "multi_conversations_select": "selected_conversations",
    "multi_channels_select": "selected_channels",
}


class Interactions:
    def __init__(self, world: World, delivery: Delivery, responses: Responses) -> None:
        self._world = world
        self._delivery = delivery
        self._responses = responses
        # The manifest's should_escape.
        self.escapes_commands = True

    async def command(self, user: str, channel: str, command: str, text: str = "") -> Any:
        """Send a slash command, and return what the app acknowledged with. Raises Unanswered.

        https://docs.slack.dev/interactivity/implementing-slash-commands
        """
        person, place = self._world.workspace.place(user, channel)
        reply = Reply(place.id, person.id)
        payload = {
            "token": self._world.app.verification_token,
            "team_id": self._world.workspace.team,
            "team_domain": "sandbox",
            "channel_id": place.id,
            "channel_name": "directmessage" if place.kind == "im" else place.name,
            "user_id": person.id,
            "user_name": person.name,
            "command": command,
            "text": self._escaped(text, person) if self.escapes_commands else text,
            "api_app_id": self._world.workspace.app_id,
            "is_enterprise_install": "false",
            "response_url": self._responses.url(reply),
            "trigger_id": self._world.triggers.new(person.id),
        }
        answer = await self._ask("slash_commands", payload, command, person, place.id)
        if isinstance(answer, dict) and (answer.get("text") or answer.get("blocks")):
            self._responses.apply(reply, answer)
        return answer

    async def click(
        self,
        user: str,
        action_id: str,
        *,
        channel: str | None = None,
        ts: str | None = None,
        view_id: str | None = None,
        block_id: str | None = None,
        value: Any = None,
    ) -> Any:
        """Use an element of a message (`channel`, `ts`) or a view, and return what the app acknowledged with.

        `value` says what was chosen where there is a choice: a feedback button's or option's value, a user, a date.
        The parameters are named as in Slack's own payload. Raises LookupError if there is no such element, and
        Unanswered.
        """
        payload: JSON = {"type": "block_actions"}
        if view_id is not None:
            person = self._world.workspace.person(user)
            view = self._view(view_id, person)
            blocks, place = view.given["blocks"], None
            payload |= {"container": {"type": "view", "view_id": view.id}, "view": view.show(self._world.workspace)}
        else:
            person, place = self._world.workspace.place(user, channel or "")
            message, ephemeral = self._message(place, ts or "", person)
            blocks = message.blocks
            container = {
                "type": "message",
                "message_ts": message.ts,
                "channel_id": place.id,
                "is_ephemeral": ephemeral,
            }
            if message.thread_ts:
                container["thread_ts"] = message.thread_ts
            reply = Reply(place.id, person.id, message.ts, message.thread_ts, ephemeral)
            payload |= {
                "container": container,
                "channel": {"id": place.id, "name": "directmessage" if place.kind == "im" else place.name},
                "response_url": self._responses.url(reply),
            }
            if not ephemeral:
                payload["message"] = self._world.workspace.show(message)
        block, element = self._element(blocks, action_id, block_id)
        payload |= {
            **self._common(person),
            "state": {"values": {}},
            "actions": [self._action(block, element, value)],
        }
        return await self._ask("interactive", payload, "block_actions", person, place.id if place else None)

    async def shortcut(self, user: str, callback_id: str, channel: str, ts: str) -> Any:
        """Use a message shortcut, and return what the app acknowledged with. Raises Unanswered.

        https://docs.slack.dev/reference/interaction-payloads/shortcuts-interaction-payload
        """
        person, place = self._world.workspace.place(user, channel)
        message, ephemeral = self._message(place, ts, person)
        if ephemeral:
            raise LookupError("ephemeral messages have no shortcuts")
        payload = {
            "type": "message_action",
            "callback_id": callback_id,
            "action_ts": self._world.workspace.new_ts(),
            "message_ts": message.ts,
            "message": self._world.workspace.show(message),
            "channel": {"id": place.id, "name": "directmessage" if place.kind == "im" else place.name},
            "response_url": self._responses.url(Reply(place.id, person.id, message.ts, message.thread_ts)),
            **self._common(person),
        }
        return await self._ask("interactive", payload, "message_action", person, place.id)

    async def submit(self, user: str, view_id: str, values: JSON | None = None) -> Any:
        """Submit a modal with `values` ({block_id: {action_id: {...}}}), and return what the app acknowledged with."""
        person = self._world.workspace.person(user)
        view = self._view(view_id, person)
        view.values = _filled(view.given["blocks"], values or {})
        payload = {"type": "view_submission", **self._common(person), "view": view.show(self._world.workspace)}
        payload["response_urls"] = []
        answer = await self._ask("interactive", payload, "view_submission", person, None)
        self._after_submit(view, answer if isinstance(answer, dict) else {})
        return answer

    async def close(self, user: str, view_id: str) -> None:
        """Close a modal. The app is told if its view has `notify_on_close`."""
        person = self._world.workspace.person(user)
        view = self._view(view_id, person)
        shown = view.show(self._world.workspace)
        self._world.views.close(view)
        if shown["notify_on_close"]:
            payload = {"type": "view_closed", **self._common(person), "view": shown, "is_cleared": False}
            await self._ask("interactive", payload, "view_closed", person, None)

    async def _ask(self, kind: str, payload: JSON, name: str, person: Person, channel: str | None) -> Any:
        try:
            return await self._delivery.ask(kind, payload, name)
        except Unanswered as missed:
            problem = f"{name} failed because the app did not respond ({missed.reason})"
            self._world.workspace.on_change("problem", {"user": person.id, "channel": channel, "text": problem})
            raise

    def _escaped(self, text: str, person: Person) -> str:
        workspace = self._world.workspace
        channels = {c.name: c.id for c in workspace.channels.values() if c.kind == "channel" or person.id in c.members}
        return typed_command(text, {one.name: one.id for one in workspace.people.values()}, channels)

    def _after_submit(self, view: View, answer: JSON) -> None:
        """An answer without `response_action` closes this modal, "clear" closes the whole stack.

        https://docs.slack.dev/surfaces/modals#updating_views
        """
        views = self._world.views
        match answer.get("response_action"):
            case "errors":
                self._world.workspace.on_change("view_errors", (view, answer.get("errors", {})))
            case "update":
                views.change(view, checked(answer.get("view"), "modal"))
            case "push":
                views.add(view.user, checked(answer.get("view"), "modal"), view.id)
            case "clear":
                views.close(view, all_of_them=True)
            case _:
                views.close(view)

    def _common(self, person: Person) -> JSON:
        workspace = self._world.workspace
        return {
            "user": {"id": person.id, "username": person.name, "name": person.name, "team_id": person.team},
            "api_app_id": workspace.app_id,
            "token": self._world.app.verification_token,
            "trigger_id": self._world.triggers.new(person.id),
            "team": {"id": workspace.team, "domain": "sandbox"},
            "enterprise": None,
            "is_enterprise_install": False,
        }

    def _message(self, channel: Channel, ts: str, person: Person) -> tuple[Message, bool]:
        if ts in channel.messages:
            return channel.messages[ts], False
        for user, message in self._world.workspace.ephemerals:
            if message.ts == ts and message.channel == channel.id and user == person.id:
                return message, True
        raise LookupError(f"no such message: {ts}")

    def _view(self, view_id: str, person: Person) -> View:
        view = self._world.views.find(view_id)
        if view is None or view.user != person.id:
            raise LookupError(f"{person.name} has no such view: {view_id}")
        return view

    @staticmethod
    def _element(blocks: list[JSON], action_id: str, block_id: str | None) -> tuple[JSON, JSON]:
        for block in blocks:
            for element in elements(block):
                if element.get("action_id") == action_id and block_id in (None, block["block_id"]):
                    return block, element
        raise LookupError(f"no element with action_id {action_id}")

    def _action(self, block: JSON, element: JSON, value: Any) -> JSON:
        """https://docs.slack.dev/reference/interaction-payloads/block_actions-payload"""
        kind = element["type"]
        action: JSON = {"type": kind, "action_id": element["action_id"], "block_id": block["block_id"]}
        action["action_ts"] = self._world.workspace.new_ts()
        match kind:
            case "button" | "icon_button" | "workflow_button":
                action["text"] = element["text"]
                if "value" in element:
                    action["value"] = element["value"]
            case "feedback_buttons":
                buttons = [element["positive_button"], element["negative_button"]]
                chosen = next((button for button in buttons if button["value"] == value), None)
                if chosen is None:
                    raise LookupError(f"no feedback button with value {value}")
                action |= {"text": chosen["text"], "value": value}
            case "static_select" | "overflow" | "radio_buttons":
                action["selected_option"] = _option(element, value)
            case "multi_static_select" | "checkboxes":
                action["selected_options"] = [_option(element, one) for one in value or []]
            case _:
                action[_CHOICES.get(kind, "value")] = value
        return action


def elements(block: JSON) -> Iterator[JSON]:
    """The elements of a block that a person can use."""
    yield from (element for element in block.get("elements", ()) if isinstance(element, dict))
    yield from (block[place] for place in ("accessory", "element") if isinstance(block.get(place), dict))


def _option(element: JSON, value: Any) -> JSON:
    groups = element.get("option_groups") or [element]
    for group in groups:
        for option in group.get("options", ()):
            if option["value"] == value:
                return dict(option)
    raise LookupError(f"no option with value {value}")


def _filled(blocks: list[JSON], values: JSON) -> JSON:
    """The values of all inputs; those that are not given are null."""
    filled: JSON = {}
    for block in blocks:
        if block["type"] == "input":
            element = block["element"]
            name = element.get("action_id", "")
            filled[block["block_id"]] = {name: {"type": element["type"], "value": None}}
    for block_id, given in values.items():
        filled[block_id] = {**filled.get(block_id, {}), **given}
    return filled
