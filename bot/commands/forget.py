"""`/parley forget`: who may make us forget what, and the question before that.

In a direct message its person forgets all of it; in a channel admins do, and others only the conversations in which
nobody else asked. Nothing is forgotten before whoever typed the command has pressed the button, which is theirs alone.
"""

import logging
import secrets

from redis.asyncio import Redis

from bot.commands.command import Command
from bot.intake.admission import Asker, Reason, Way, Where
from bot.services import Services
from bot.store import keys
from bot.store.lua import Script
from bot.store.rules import audit
from bot.store.threads import erase
from bot.views import forget as view
from bot.views.blocks import MessageContent
from bot.views.forget import Scope

log = logging.getLogger("parley.listeners")

# KEYS forgetting; ARGV the button's value. It is used once, and only by the person and in the channel of the key.
TAKE = Script(
    """
local scope, value = string.match(redis.call('GET', KEYS[1]) or '', '^(%a+) (.+)$')
if not scope or value ~= ARGV[1] then return nil end
redis.call('DEL', KEYS[1])
return scope
""",
    keys=1,
)


async def ask(command: Command) -> str | MessageContent:
    """The question, or why there is none. Raises redis.RedisError."""
    redis, team, channel, user = command.services.redis, command.team, command.channel, command.user
    asker = Asker(user, outsider=command.outsider)
    scope = await allowed(command.services, asker, Where(team, channel, channel.startswith("D")))
    if isinstance(scope, Reason):
        log.debug("ignored type=forget reason=%s", scope)
        return scope.sentence
    count = await erase.count(redis, team, channel, _whose(scope, user))
    if not count:
        return view.NOTHING_OF_YOURS if scope == "own" else view.NOTHING
    value = secrets.token_urlsafe(16)
    await redis.set(keys.forgetting(team, channel, user), f"{scope} {value}", ex=keys.forgetting.seconds)
    return view.question(scope, count, value)


async def allowed(services: Services, asker: Asker, where: Where) -> Scope | Reason:
    """What somebody may have forgotten, or why nothing. Raises redis.RedisError."""
    is_admin = not where.direct and await services.admins.has(where.team, asker.user)
    reason = await services.admission.refusal(asker, Way.FORGET, where)
    # In a channel that is off the list now, what was said before is still there.
    if reason and not (is_admin and reason is Reason.CHANNEL):
        return reason
    if where.direct:
        return "direct"
    return "all" if is_admin else "own"


async def confirmed(services: Services, asker: Asker, where: Where, value: str) -> Scope | None:
    """What this person confirms with the button, once; None if it is not theirs, too old, or no longer allowed.

    Raises redis.RedisError.
    """
    wanted = await TAKE.run(services.redis, [keys.forgetting(where.team, where.channel, asker.user)], value)
    if wanted is None:
        return None
    scope = await allowed(services, asker, where)
    if isinstance(scope, Reason) or scope != wanted:
        return None
    return scope


async def forget(redis: Redis, where: Where, user: str, scope: Scope) -> int:
    """Record who forgets what, then forget it; how many conversations. Raises redis.RedisError."""
    whose = _whose(scope, user)
    count = await erase.count(redis, where.team, where.channel, whose)
    if not count:
        return 0
    place = f"user:{user} direct messages" if scope == "direct" else f"channel:{where.channel}"
    what = f"forget {place} own" if scope == "own" else f"forget {place}"
    await audit.note(redis, where.team, user, what, view.conversations(count))
    count = await erase.forget(redis, where.team, where.channel, whose)
    log.info("forgotten team=%s channel=%s user=%s threads=%d", where.team, where.channel, user, count)
    return count


def _whose(scope: Scope, user: str) -> str | None:
    return user if scope == "own" else None
