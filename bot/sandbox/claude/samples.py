"""Sample answers in Markdown for requests without a script. They say that no model wrote them."""

import random
import re

from bot.sandbox.claude.answers import Answer
from bot.sandbox.claude.prompt import Json, newest, turns

NOTICE = "This is Parley's sandbox speaking; no model wrote this."
QUOTED = 70

_OPENINGS = [
    "It is here so that you can watch an answer grow, and ask again.",
    "It stands in for Claude, so that everything around the answer can be tried without an account.",
    "Nothing was looked up and nothing was thought through; only the way the text arrives is real.",
]
_LISTS = [
    """## What happens around this answer

1. Your message was **kept** before Slack heard that it arrived.
2. A worker took the thread and opened one stream:
   - text comes in pieces of a few tokens, *not* cut at word ends;
   - the draft in Slack is edited as its budget allows;
     - an edit that comes too late is merged with the next one.
3. The last edit carries the complete text.""",
    """## Things worth trying

- Ask a second question in this thread:
  - it is answered **after** this one,
  - and it is sent along with this turn.
- Kill the worker while the text grows:
  1. what was written so far *stays*,
  2. another worker goes on in the same message.
- Delete the answer while it grows, and see it end.""",
    """## How to read this

- **Bold**, *italic*, ~~struck~~ and `code` should look that way in Slack.
- Lists nest:
  1. first a number,
     - then a bullet below it,
     - and one more;
  2. then the next number.
- Characters such as &, < and > stay what they are.""",
]
_ASIDES = [
    "> A quoted aside, as answers like to have one: what you read here was written beforehand, in pieces, and your "
    "question only chose which of them you see. Ask the same again and the *same* pieces come back.",
    "Between the parts there is ordinary prose, because most answers are mostly prose. It has a **bold** word, a bit "
    "of `inline code`, a number like 3.14159, and a sentence that is long enough to be cut in the middle of a "
    "word more than once.",
    "Some characters take more than a byte: café, naïve, 10 €, “quotes”, 東京, ✓ and 🙂. They must arrive whole even "
    "when the network cuts between their bytes, and they count towards the limits that are kept in bytes.",
]
_TABLES = [
    """### Three ways to wait

| Way | Usual wait | Good for |
|:----|-----------:|:---------|
| Poll | 5 s | a script that nobody watches |
| Stream | 0.4 s | a person who reads along |
| Batch | 1 h | a long list of small jobs |""",
    """### A table, for its columns

| Planet | Moons | Day in hours |
|:-------|------:|-------------:|
| Earth | 1 | 23.9 |
| Mars | 2 | 24.6 |
| Venus | 0 | 5,832 |""",
    """### Sizes to remember

| Text | Characters | About as many tokens |
|:-----|-----------:|---------------------:|
| a tweet | 280 | 70 |
| a page | 1,800 | 450 |
| this answer | 1,400 | 350 |""",
]
_CODE = [
    """```python
def backoff(attempt: int, cap: float = 60.0) -> float:
    \"\"\"Seconds to wait before the next attempt.\"\"\"
    return min(cap, 2.0**attempt) * random.random()
```""",
    """```sql
SELECT channel, count(*) AS answers
FROM replies
WHERE at > now() - interval '1 day'
GROUP BY channel
ORDER BY answers DESC;
```""",
    """```sh
# how many lines, and which come most often?
sort access.log | uniq -c | sort -rn | head -n 5
```""",
]
_CLOSINGS = [
    "More about the formatting: [CommonMark](https://commonmark.org/help/) and "
    "[Slack's mrkdwn](https://docs.slack.dev/messaging/formatting-message-text).",
    "The real thing is described in [Streaming messages]"
    "(https://platform.claude.com/docs/en/build-with-claude/streaming), and "
    "[Prompt caching](https://platform.claude.com/docs/en/build-with-claude/prompt-caching) says what a turn costs.",
    "For a real answer, set a key from [the console](https://platform.claude.com/) and start again; "
    "[the quickstart](https://platform.claude.com/docs/en/get-started) takes a few minutes.",
]
_THOUGHT = "The sandbox has nothing to think about, so it counts the turns it was sent and picks a sample."


def sample(body: Json, thinks: bool = False) -> Answer:
    """A sample answer. It quotes the newest user turn, which alone decides its parts, and counts the turns before."""
    *earlier, _ = turns(body)
    question = newest(body)
    choice = random.Random(question)
    told = [NOTICE, choice.choice(_OPENINGS)]
    if question:
        told.append(f"You wrote: “{_quote(question)}”.")
    if earlier:
        many = "1 earlier turn" if len(earlier) == 1 else f"{len(earlier)} earlier turns"
        told.append(f"With it came {many} of this conversation, the first of which begins “{_quote(earlier[0].text)}”.")
    parts = [" ".join(told), *(choice.choice(kind) for kind in (_LISTS, _ASIDES, _TABLES, _CODE, _CLOSINGS))]
    return Answer(text="\n\n".join(parts) + "\n", thinking=_THOUGHT if thinks else None)


def _quote(text: str) -> str:
    """The beginning of a text on one line, without characters that would format the answer around it."""
    plain = " ".join(re.sub(r"<[^<>]*>|[*_~`|<>\[\]]", " ", text).split())
    return plain if len(plain) <= QUOTED else plain[: QUOTED - 1].rstrip() + "…"
