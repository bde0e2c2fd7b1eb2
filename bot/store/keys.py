"""Everything that is kept in Redis: what each key is called, and how long it is kept.

Each name starts with the installing team (invariant 13); `TEAMS` alone lists the teams. What is known of the Claude
account, which all teams share, starts with `claude:`: it holds nothing of a team's, and no team has that id. RQ's own
keys start with `rq:`.
"""

from dataclasses import dataclass
from datetime import date
from functools import cached_property
from string import Formatter
from typing import Generic, Literal, ParamSpec

from bot.talk.message import Thread

Parts = ParamSpec("Parts")
Type = Literal["string", "hash", "list", "set", "sorted set", "stream"]

MINUTE = 60
HOUR = 60 * MINUTE
DAY = 24 * HOUR
WEEK = 7 * DAY
# As long as people and admins may look back.
LONG = 400 * DAY

# Lifetimes that are no fixed number of seconds.
ALWAYS = "until the team removes Parley"
NEEDED = "while something is in it"
HISTORY_DAYS = "HISTORY_DAYS"
USAGE_DAYS = "USAGE_DAYS"


@dataclass(frozen=True)
class Key(Generic[Parts]):
    """A row of the table. Called with the parts of its name it gives the name of one key: `keys.box(thread)`.

    `kept` says how long a key stays after it was last written: so many seconds at most, or in words.
    """

    pattern: str
    type: Type
    kept: int | str
    what: str

    def __call__(self, *parts: Parts.args, **named: Parts.kwargs) -> str:
        return self.pattern.format(**dict(zip(self._fields, parts, strict=True)))

    @property
    def seconds(self) -> int:
        """Raises TypeError for a key whose lifetime is no fixed number."""
        if isinstance(self.kept, str):
            raise TypeError(f"{self.pattern} is kept {self.kept}")
        return self.kept

    @cached_property
    def _fields(self) -> list[str]:
        """`thread.team` and `thread.ts` come of one part, `thread`."""
        fields = [name.partition(".")[0] for _, name, _, _ in Formatter().parse(self.pattern) if name]
        return list(dict.fromkeys(fields))


teams = Key[[]]("teams", "set", ALWAYS, "the teams that have installed Parley")

# Messages
seen_event = Key[str, str]("{team}:seen:{event}", "string", DAY, "an event was delivered")
seen_message = Key[str, str, str]("{team}:seen:{channel}:{ts}", "string", DAY, "a message was delivered")
active = Key[str](
    "{team}:active", "sorted set", NEEDED, "threads with work, `channel:ts`, by when somebody must look again (seconds)"
)
box = Key[Thread]("{thread}:box", "sorted set", WEEK, "the mailbox: the messages that wait, by their ts")
messages = Key[Thread]("{thread}:messages", "hash", WEEK, "ts -> Message as JSON, for those in the mailbox")
attempts = Key[Thread]("{thread}:attempts", "hash", WEEK, "ts -> how often an answer was begun")
edited = Key[Thread](
    "{thread}:edited", "hash", WEEK, "ts -> the new text of a message that was edited while its answer was written"
)
lease = Key[Thread]("{thread}:lease", "string", "LEASE_SECONDS", "the fencing token of the worker that answers now")
asides = Key[Thread](
    "{thread}:asides", "hash", 30 * DAY, "ts of the newest message that mentions `others`, `us`, or `nobody`"
)
talks = Key[str, str](
    "{team}:talks:{user}", "sorted set", LONG, "the ten newest threads in which somebody spoke to us, by time"
)
asking = Key[str, str](
    "{team}:asking:{view}", "string", DAY, "since when the question of a modal is put into its thread"
)
asking_now = Key[str, str]("{team}:asking:{view}:now", "string", 5, "somebody puts it there at this moment")

forgetting = Key[str, str, str](
    "{team}:forgetting:{channel}:{user}",
    "string",
    5 * MINUTE,
    "what somebody was asked to confirm: `all`, `own` or `direct`, and the value of the button",
)

# Threads
history = Key[Thread](
    "{thread}:history", "list", HISTORY_DAYS, "entries as JSON, oldest first; a summary in place of older ones"
)
files = Key[Thread]("{thread}:files", "hash", HISTORY_DAYS, "file id -> what Claude is sent of the file, as JSON")
record = Key[Thread](
    "{thread}:record", "hash", HISTORY_DAYS, "`instructions` that the prompt began with, last request (`asked`); JSON"
)
reply = Key[Thread, str](
    "{thread}:reply:{question}",
    "hash",
    WEEK,
    "how far a reply is: its Slack messages, what is shown, what was billed, its final text and bill",
)
stop = Key[Thread, str]("{thread}:stop:{question}", "string", WEEK, "who wants the answer to a question stopped")
forgotten = Key[Thread](
    "{thread.team}:forgotten:{thread.channel}:{thread.ts}", "string", LONG, "not to be read from Slack again"
)

# What people think of answers
votes = Key[Thread, str]("{thread}:votes:{answer}", "hash", LONG, "user -> vote on an answer, its day, the model")
feedback = Key[str, date]("{team}:feedback:{day}", "hash", LONG, "how many votes of a day are `good`, how many `bad`")
comments = Key[str, date]("{team}:comments:{day}", "hash", LONG, "`channel:answer:user` -> comment as JSON")
told = Key[str, str, str, str](
    "{team}:told:{channel}:{answer}:{user}", "string", DAY, "a hash of the comment that admins were last told"
)

# What was used. `kind` is `hour`, `user`, `channel` or `model`; `bot.store.counts.cells` writes the cells.
usage = Key[str, date, str](
    "{team}:usage:{day}:{kind}", "hash", USAGE_DAYS, "name -> cell of counts; 400 days where there are only votes"
)
usage_costs = Key[str, date, str](
    "{team}:usage:{day}:{kind}:costs", "sorted set", USAGE_DAYS, "names by their cost on this day, in micro-dollars"
)
usage_week = Key[str, date, str](
    "{team}:usage:week-{monday}:{kind}:costs", "sorted set", USAGE_DAYS, "names by their cost in this week"
)
metrics = Key[str]("{team}:metrics", "hash", 30 * DAY, "what all processes counted for Prometheus: series -> number")

# What admins decide. Amounts are in micro-dollars.
workspace_policy = Key[str](
    "{team}:policy", "hash", ALWAYS, "`persona`, `model`, `guests`, `external`, `follow_ups`, `bots`, `channels`"
)
channel_policy = Key[str, str](
    "{team}:policy:{channel}", "hash", ALWAYS, "`persona`, `model`, `guests`, `external`, `follow_ups`"
)
thread_policy = Key[Thread]("{thread}:policy", "hash", LONG, "`model`")
caps = Key[str]("{team}:caps", "hash", ALWAYS, "`scope period` -> budget")
limits = Key[str]("{team}:limits", "hash", ALWAYS, "`scope window` -> how many messages are taken")
audit = Key[str]("{team}:audit", "stream", LONG, "what admins changed, who, and when")
# `period` is a day or a month. What belongs to a day is kept only this long.
OF_A_DAY = 3 * DAY
spent = Key[str, str](
    "{team}:spent:{period}", "hash", 40 * DAY, "scope -> spent, `held scope` -> held; 3 days if it is of a day"
)
holds = Key[str]("{team}:holds", "hash", DAY, "call -> what it may cost, and where, as JSON")
holds_until = Key[str](
    "{team}:holds:until", "sorted set", DAY, "those calls, by the time in ms at which they count as abandoned"
)
warned = Key[str, str](
    "{team}:warned:{period}", "hash", 40 * DAY, "marks of budgets that were reached; 3 days if it is of a day"
)
warnings = Key[str]("{team}:warnings", "list", WEEK, "what admins are still to be warned of, as JSON")
warning = Key[str]("{team}:warning", "string", 30, "somebody is warning the admins")
rate = Key[str, str]("{team}:rate:{scope}", "sorted set", DAY, "messages that were taken, by time in ms")
unsure = Key[str, str, str](
    "{team}:unsure:{channel}:{ts}", "string", MINUTE, "the author was told that nobody can say whether they may ask"
)
slow_down = Key[str, str]("{team}:slow-down:{user}", "string", MINUTE, "somebody was told that they write too much")

# What Slack told us
admin = Key[str, str]("{team}:admin:{user}", "string", 5 * MINUTE, "1 for an admin of the workspace, else 0")
admin_group = Key[str]("{team}:admin-group", "string", 5 * MINUTE, "the members of ADMIN_GROUP, as JSON")
guest = Key[str, str]("{team}:guest:{user}", "string", HOUR, "1 for a guest, else 0")
last_guest = Key[str, str](
    "{team}:last-guest:{user}", "string", 30 * DAY, "the same, for when Slack does not say whether somebody is one"
)
person = Key[str, str]("{team}:person:{user}", "string", HOUR, "a display name")
channel_name = Key[str, str]("{team}:place:{channel}", "string", HOUR, "what a channel is called")
introduced = Key[str, str]("{team}:introduced:{channel}", "string", LONG, "we introduced ourselves in this channel")
no_streams = Key[str]("{team}:no-streams", "string", DAY, "the workspace has no native streams")
no_sessions = Key[str]("{team}:no-sessions", "string", DAY, "the workspace has no agent sessions")
sessions = Key[str](
    "{team}:sessions",
    "sorted set",
    DAY,
    "threads that Slack shows as worked on, by when to look whether they still are",
)

# Calls to Slack. Times are in ms.
calls = Key[str, str]("{team}:calls:{method}", "sorted set", 66, "the calls of the last minute, by time")
calls_in = Key[str, str, str]("{team}:calls:{method}:{channel}", "sorted set", 10, "the same in one channel")
pause = Key[str, str]("{team}:pause:{method}", "string", "as long as Slack says", "Slack asked us to wait")
slower = Key[str, str]("{team}:slower:{method}", "string", 2 * MINUTE, "Slack refused a call not long ago")
drafts = Key[str](
    "{team}:drafts", "sorted set", MINUTE, "replies that are edited live, by when they count as abandoned"
)
streams = Key[str]("{team}:streams", "sorted set", 5 * MINUTE, "replies with an open native stream, by its end")
next_post = Key[str, str]("{team}:next-post:{channel}", "string", "until then", "when the next message may be posted")
posts = Key[str](
    "{team}:posts", "sorted set", "for a minute after the last one", "messages of the last minute, by time"
)
nothing = Key[str]("{team}:nothing", "string", "never there", "a write that changes nothing is tried on it")

# Calls to Claude, of all teams together. Times are in ms.
breaker = Key[str]("claude:breaker:{model}", "hash", 11 * MINUTE, "the circuit breaker of a model, unless long closed")
outages = Key[str]("claude:outages:{model}", "list", MINUTE, "last failed calls that are Claude's fault, newest first")
claude_calls = Key[[]]("claude:calls", "sorted set", 30, "the calls under way, by when they count as abandoned")
claude_waiting = Key[[]]("claude:calls:waiting", "sorted set", 5, "those that wait for one to end, by when they came")
claude_heard = Key[[]]("claude:calls:heard", "sorted set", 5, "those that wait, by when they count as gone")
rates = Key[str]("claude:rates:{family}", "hash", DAY, "what Claude last said of the rate limits of a family of models")
rates_taken = Key[str](
    "claude:rates:{family}:taken", "sorted set", MINUTE, "calls and their tokens that Claude has not told of yet"
)
rates_heard = Key[str]("claude:rates:{family}:heard", "sorted set", MINUTE, "those, by when they count as gone")
rates_pause = Key[str]("claude:rates:{family}:pause", "string", "as long as Claude says", "Claude asked us to wait")
no_system_turns = Key[str, str](
    "{team}:no-system-turns:{model}", "string", WEEK, "the model refused a system message in mid-thread"
)

TEAMS = teams()
CALLS, CALLS_WAITING, CALLS_HEARD = claude_calls(), claude_waiting(), claude_heard()

# No key but a channel: the keys of wishes to stop are published here. All databases of a Redis share it.
STOPS = "parley:stops"
