"""Who may ask, where and how: messages, clicks, shortcuts and edits all ask here, and nowhere else is it decided.

Somebody who may not ask gets no answer by any way. What concerns an answer that is already there (its Stop button, an
opinion, a correction of the question) stays open to guests and in every channel: they asked while they were allowed to.
"""

from dataclasses import dataclass, replace
from enum import Enum, StrEnum, auto

from redis.asyncio import Redis

from bot.intake.audience import Audience
from bot.slack.directory import Directory
from bot.store.rules import access
from bot.views.refusals import NOT_HERE, UNKNOWN


class Way(Enum):
    """How somebody turns to us. A message in a direct message counts as a mention."""

    MENTION = auto()
    FOLLOW_UP = auto()
    STOP_WORD = auto()
    SHORTCUT = auto()
    # `/parley forget`.
    FORGET = auto()
    # Regenerate and Continue.
    ASK_AGAIN = auto()
    # Every other button: Stop, an opinion, the posting of a report.
    CLICK = auto()
    # An edit of a message that we know. One that mentions us anew is a mention.
    EDIT = auto()


ASKING = frozenset({Way.MENTION, Way.FOLLOW_UP, Way.STOP_WORD, Way.SHORTCUT, Way.FORGET, Way.ASK_AGAIN})


class Reason(StrEnum):
    """Why somebody gets no answer, as the log says it."""

    BOT = "a bot's message"
    OUTSIDER = "an author of another company"
    CHANNEL = "a channel that is not on the list"
    NO_FOLLOW_UPS = "no mention, and no follow-ups in this channel"
    GUEST = "a guest"
    UNKNOWN = "nobody can say whether the author is a guest"

    @property
    def sentence(self) -> str:
        """What is said to whoever used a button, a form or a command."""
        return UNKNOWN if self is Reason.UNKNOWN else NOT_HERE


@dataclass(frozen=True)
class Asker:
    """Who turns to us. `bots` are the ids by which a bot may be listed; a person has none.

    An `outsider` belongs to another company, a `guest` to one channel or a few of this workspace.
    """

    user: str
    bots: frozenset[str] = frozenset()
    outsider: bool = False
    guest: bool = False


@dataclass(frozen=True)
class Where:
    """The channel in which somebody turns to us; `direct` if it is a direct message with us."""

    team: str
    channel: str
    direct: bool


def refusal(asker: Asker, way: Way, where: Where, audience: Audience) -> Reason | None:
    """Why this asker gets no answer; None if they may ask. `audience` is what holds in this channel."""
    if asker.bots and not asker.bots & audience.bots:
        return Reason.BOT
    if asker.outsider and not audience.external:
        return Reason.OUTSIDER
    if way not in ASKING:
        return None
    if not audience.is_in(where.channel, direct=where.direct):
        return Reason.CHANNEL
    if way is Way.FOLLOW_UP and not audience.follow_ups:
        return Reason.NO_FOLLOW_UPS
    if asker.guest and not audience.guests:
        return Reason.GUEST
    return None


class Admission:
    """Decides by the rules that hold in a channel, and asks Slack whether somebody is a guest only where it matters."""

    def __init__(self, audience: Audience, redis: Redis, directory: Directory) -> None:
        self._audience, self._redis, self._directory = audience, redis, directory

    async def refusal(self, asker: Asker, way: Way, where: Where) -> Reason | None:
        """As the function `refusal`, but whether the asker is a guest is looked up here. Raises redis.RedisError."""
        audience = self._audience.under(await access.rules(self._redis, where.team, where.channel))
        reason = refusal(asker, way, where, audience)
        if reason or asker.bots or refusal(replace(asker, guest=True), way, where, audience) is None:
            return reason
        guest = await self._directory.is_guest(where.team, asker.user)
        if guest is None:
            return Reason.UNKNOWN
        return refusal(replace(asker, guest=guest), way, where, audience)
