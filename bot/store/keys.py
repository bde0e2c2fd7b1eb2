"""The names of everything kept in Redis.

Each starts with the installing team (invariant 13); `TEAMS` alone says which teams there are. What is known of the
Claude account, which all teams share, starts with `claude:`; nothing of a team's is in it, and no team's id looks like
that. RQ's own keys start with `rq:`.
"""

from datetime import date, timedelta

from bot.talk.message import Thread

TEAMS = "teams"
# A channel, where the keys of wishes to stop are named that have just been set. All databases of a Redis share it.
STOPS = "parley:stops"


def seen_event(team: str, event_id: str) -> str:
    return f"{team}:seen:{event_id}"


def seen_message(team: str, channel: str, ts: str) -> str:
    return f"{team}:seen:{channel}:{ts}"


def active(team: str) -> str:
    """Sorted set: threads with work, `channel:ts`, by the time at which somebody must look again."""
    return f"{team}:active"


def box(thread: Thread) -> str:
    """Sorted set: the messages that wait, by their ts."""
    return f"{thread}:box"


def messages(thread: Thread) -> str:
    """Hash: ts -> Message as JSON, for those in the box."""
    return f"{thread}:messages"


def attempts(thread: Thread) -> str:
    """Hash: ts -> how often an answer was begun."""
    return f"{thread}:attempts"


def edited(thread: Thread) -> str:
    """Hash: ts -> the new text of a message that was edited while its answer was written."""
    return f"{thread}:edited"


def asides(thread: Thread) -> str:
    """Hash with an expiry: the ts of the newest message that mentions `others`, `us`, or `nobody` and is not for us."""
    return f"{thread}:asides"


def lease(thread: Thread) -> str:
    """String with an expiry: the token of the one who answers in this thread."""
    return f"{thread}:lease"


def history(thread: Thread) -> str:
    """List: what was said, oldest first, as JSON."""
    return f"{thread}:history"


def files(thread: Thread) -> str:
    """Hash: file id -> what Claude is sent of that file, as JSON."""
    return f"{thread}:files"


def record(thread: Thread) -> str:
    """Hash: what its prompt began with (`instructions`) and the last request (`asked`), as JSON."""
    return f"{thread}:record"


def reply(thread: Thread, ts: str) -> str:
    """Hash: how far the reply to the message `ts` is."""
    return f"{thread}:reply:{ts}"


def stop(thread: Thread, ts: str) -> str:
    """String with an expiry: who wants the answer to the question `ts` stopped."""
    return f"{thread}:stop:{ts}"


def votes(thread: Thread, answer: str) -> str:
    """Hash with an expiry: who voted what on the answer with this ts, and when."""
    return f"{thread}:votes:{answer}"


def feedback(team: str, day: date) -> str:
    """Hash with an expiry: how many votes of this day are `good`, and how many `bad`."""
    return f"{team}:feedback:{day}"


def comments(team: str, day: date) -> str:
    """Hash with an expiry: what people wrote about answers on this day, by `channel:answer:user`."""
    return f"{team}:comments:{day}"


def told(team: str, channel: str, answer: str, user: str) -> str:
    """String with an expiry: a hash of the comment that was last posted for the admins."""
    return f"{team}:told:{channel}:{answer}:{user}"


def usage(team: str, day: date, kind: str) -> str:
    """Hash with an expiry: hour, person, channel or model -> what was used on this day.

    `bot.store.counts.cells` writes it.

    `kind` is `hour`, `user`, `channel` or `model`.
    """
    return f"{team}:usage:{day}:{kind}"


def usage_costs(team: str, day: date, kind: str) -> str:
    """Sorted set with an expiry: persons, channels or models, by what they cost on this day, in micro-dollars."""
    return f"{team}:usage:{day}:{kind}:costs"


def usage_week(team: str, day: date, kind: str) -> str:
    """The same of the whole week, from Monday, in which this day is."""
    return f"{team}:usage:week-{day - timedelta(days=day.weekday())}:{kind}:costs"


def admin(team: str, user: str) -> str:
    """String with an expiry: whether somebody is an admin of the workspace."""
    return f"{team}:admin:{user}"


def caps(team: str) -> str:
    """Hash: what may be spent, by `scope period`, in micro-dollars."""
    return f"{team}:caps"


def spent(team: str, period: str) -> str:
    """Hash with an expiry: what was spent in a day or month, by scope, and what calls under way may cost (`held`)."""
    return f"{team}:spent:{period}"


def holds(team: str) -> str:
    """Hash with an expiry: what calls under way may cost, and where, as JSON."""
    return f"{team}:holds"


def holds_until(team: str) -> str:
    """Sorted set with an expiry: those calls, by the time in ms at which they count as abandoned."""
    return f"{team}:holds:until"


def warned(team: str, period: str) -> str:
    """Hash with an expiry: the marks of caps in this day or month that were reached, and so told."""
    return f"{team}:warned:{period}"


def warnings(team: str) -> str:
    """List with an expiry: what admins are still to be warned of, as JSON."""
    return f"{team}:warnings"


def warning(team: str) -> str:
    """String with an expiry: somebody is warning the admins."""
    return f"{team}:warning"


def nothing(team: str) -> str:
    """Never there: a write that changes nothing is tried on it."""
    return f"{team}:nothing"


def metrics(team: str) -> str:
    """Hash with an expiry: what all processes counted, by name and labels as JSON."""
    return f"{team}:metrics"


def admin_group(team: str) -> str:
    """String with an expiry: the members of the user group that may steer us, as JSON."""
    return f"{team}:admin-group"


def limits(team: str) -> str:
    """Hash: how many messages are taken, by `scope window`."""
    return f"{team}:limits"


def rate(team: str, scope: str) -> str:
    """Sorted set with an expiry: the messages of a person or in a channel that were taken, by time in ms."""
    return f"{team}:rate:{scope}"


def slow_down(team: str, user: str) -> str:
    """String with an expiry: somebody was told that they write too much."""
    return f"{team}:slow-down:{user}"


def audit(team: str) -> str:
    """Stream with an expiry: what admins changed, who, and when."""
    return f"{team}:audit"


def asking(team: str, view: str) -> str:
    """String with an expiry: since when the question of a modal is put into its thread."""
    return f"{team}:asking:{view}"


def asking_now(team: str, view: str) -> str:
    """String with an expiry: somebody does that at this moment."""
    return f"{team}:asking:{view}:now"


def person(team: str, user: str) -> str:
    """String with an expiry: a person's display name."""
    return f"{team}:person:{user}"


def talks(team: str, user: str) -> str:
    """Sorted set with an expiry: the threads in which somebody spoke to us, `channel:ts`, by time."""
    return f"{team}:talks:{user}"


def introduced(team: str, channel: str) -> str:
    """String with an expiry: we introduced ourselves in this channel or direct message."""
    return f"{team}:introduced:{channel}"


def forgotten(thread: Thread) -> str:
    """String with an expiry: people had this thread forgotten, so nobody reads it from Slack again."""
    return f"{thread.team}:forgotten:{thread.channel}:{thread.ts}"


def guest(team: str, user: str) -> str:
    """String with an expiry: 1 for a guest of the workspace, 0 for everybody else."""
    return f"{team}:guest:{user}"


def calls(team: str, method: str) -> str:
    """Sorted set: the calls of a method in the last minute, by time in ms."""
    return f"{team}:calls:{method}"


def place(team: str, channel: str) -> str:
    """String with an expiry: what a channel is called."""
    return f"{team}:place:{channel}"


def workspace_policy(team: str) -> str:
    """Hash: what holds in a workspace: as in a channel, and `bots` and `channels`."""
    return f"{team}:policy"


def channel_policy(team: str, channel: str) -> str:
    """Hash: what holds in a channel: `persona`, `model`, `guests`, `external`, `follow_ups`."""
    return f"{team}:policy:{channel}"


def thread_policy(thread: Thread) -> str:
    """Hash with an expiry: the `model` of a thread."""
    return f"{thread}:policy"


def no_system_turns(team: str, model: str) -> str:
    """String with an expiry: this model refused a message of role `system`."""
    return f"{team}:no-system-turns:{model}"


def pause(team: str, method: str) -> str:
    """String with an expiry: Slack asked us to wait with this method."""
    return f"{team}:pause:{method}"


def slower(team: str, method: str) -> str:
    """String with an expiry: Slack refused a call of this method not long ago."""
    return f"{team}:slower:{method}"


def drafts(team: str) -> str:
    """Sorted set: replies that are edited live, by the time in ms at which they count as abandoned."""
    return f"{team}:drafts"


def streams(team: str) -> str:
    """Sorted set: replies with an open native stream, by the time in ms at which it is over."""
    return f"{team}:streams"


def no_streams(team: str) -> str:
    """String with an expiry: the workspace has no native streams."""
    return f"{team}:no-streams"


def sessions(team: str) -> str:
    """Sorted set with an expiry: threads that Slack shows as worked on, by when to see whether that is over."""
    return f"{team}:sessions"


def no_sessions(team: str) -> str:
    """String with an expiry: Slack has no agent sessions for us in this workspace."""
    return f"{team}:no-sessions"


def next_post(team: str, channel: str) -> str:
    """String with an expiry: when the next message may be posted in this channel, in ms since the epoch."""
    return f"{team}:next-post:{channel}"


def posts(team: str) -> str:
    """Sorted set: the places of the last minute's messages, in all channels, by time in ms."""
    return f"{team}:posts"


def breaker(model: str) -> str:
    """Hash: how the circuit breaker of a model is. It is gone when it is closed and was so for a while."""
    return f"claude:breaker:{model}"


def outages(model: str) -> str:
    """List: the last failed calls of a model that are Claude's fault, newest first, by time in ms."""
    return f"claude:outages:{model}"


CALLS = "claude:calls"
"""Sorted set: the calls to Claude that are under way, by the time in ms at which they count as abandoned."""

CALLS_WAITING = "claude:calls:waiting"
"""Sorted set: those that wait for a place, by when they came."""

CALLS_HEARD = "claude:calls:heard"
"""Sorted set: those that wait, by the time in ms at which they count as gone."""


def rates(family: str) -> str:
    """Hash: what Claude last said of the limits of a family of models, and when."""
    return f"claude:rates:{family}"


def rates_taken(family: str) -> str:
    """Sorted set: calls and their tokens of which Claude has said nothing yet, by when they came."""
    return f"claude:rates:{family}:taken"


def rates_heard(family: str) -> str:
    """Sorted set: those calls, by the time in ms at which they count as gone."""
    return f"claude:rates:{family}:heard"


def rates_pause(family: str) -> str:
    """String with an expiry: Claude asked us to wait with these models."""
    return f"claude:rates:{family}:pause"
