"""The page's own Markdown: what becomes of it, whole and cut anywhere."""

import re
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import pytest_asyncio

pytest.importorskip("playwright.async_api")
from playwright.async_api import Browser, Page

from bot.sandbox import Sandbox
from tests.kit.markdown_samples import DOCUMENTS

pytestmark = pytest.mark.asyncio(loop_scope="package")

NAMES = "{user: (id) => ({U1: 'Ada'})[id], channel: () => undefined, me: 'U1'}"
RENDER = f"""async (text) => {{
  const {{ markdown }} = await import("/markdown.js");
  const box = document.createElement("div");
  box.append(...markdown(text, {NAMES}));
  return box.innerHTML;
}}"""
CUT = f"""async (text) => {{
  const {{ markdown }} = await import("/markdown.js");
  const {{ patchChildren }} = await import("/dom.js");
  const [grown, whole] = [document.createElement("div"), document.createElement("div")];
  const tags = new Set();
  const characters = [...text];
  const step = Math.max(1, Math.floor(characters.length / 120));
  for (let end = 0; end <= characters.length; end += step) {{
    patchChildren(grown, markdown(characters.slice(0, end).join(""), {NAMES}));
    for (const node of grown.querySelectorAll("*")) tags.add(node.localName);
  }}
  patchChildren(grown, markdown(text, {NAMES}));
  whole.append(...markdown(text, {NAMES}));
  return [[...tags], grown.innerHTML === whole.innerHTML];
}}"""
INLINE = {"a", "br", "code", "em", "s", "span", "strong", "time"}
BLOCKS = {"blockquote", "div", "hr", "li", "ol", "p", "pre", "table", "tbody", "td", "th", "thead", "tr", "ul"}


@pytest_asyncio.fixture(scope="module", loop_scope="package")
async def page(browser: Browser) -> AsyncIterator[Page]:
    async with Sandbox(with_claude=False) as sandbox:
        page = await browser.new_page()
        await page.goto(sandbox.page_url)
        yield page
        await page.close()


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("*a* **b** ***c***", "<p><em>a</em> <strong>b</strong> <em><strong>c</strong></em></p>"),
        ("_d_ ~~e~~ `f*g*`", "<p><em>d</em> <s>e</s> <code>f*g*</code></p>"),
        ("snake_case_name and 2*3*4", "<p>snake_case_name and 2<em>3</em>4</p>"),
        ("**bold *and italic***", "<p><strong>bold <em>and italic</em></strong></p>"),
        ("half **open and `code", "<p>half **open and `code</p>"),
        ("a\nb", "<p>a<br>b</p>"),
        (r"\*not\* &amp; &lt;b&gt;", "<p>*not* &amp; &lt;b&gt;</p>"),
        ("- a\n  - b\n    1. c\n- d", "<ul><li>a<ul><li>b<ol><li>c</li></ol></li></ul></li><li>d</li></ul>"),
        ("3. a\n4. b", '<ol start="3"><li>a</li><li>b</li></ol>'),
        ("- a\n\n- b", "<ul><li><p>a</p></li><li><p>b</p></li></ul>"),
        ("1. a\n   ```\n   x\n   ```\n2. b", '<ol><li>a<pre tabindex="0"><code>x</code></pre></li><li>b</li></ol>'),
        ("> a\n> > b\n\nc", "<blockquote><p>a</p><blockquote><p>b</p></blockquote></blockquote><p>c</p>"),
        ("```\nopen", '<pre tabindex="0"><code>open</code></pre>'),
        ("---", "<hr>"),
        ("<b>x</b> <script>", "<p>&lt;b&gt;x&lt;/b&gt; &lt;script&gt;</p>"),
        ("<@U1>", '<p><span class="mention mention-me">@Ada</span></p>'),
        ("<!here>", '<p><span class="mention mention-all">@here</span></p>'),
        ("[a](javascript:x)", '<p><span class="unlinked">a (javascript:x)</span></p>'),
        ("[a](http", "<p>[a](http</p>"),
    ],
)  # fmt: skip
async def test_markdown_becomes(page: Page, text: str, shown: str) -> None:
    assert await page.evaluate(RENDER, text) == shown


@pytest.mark.parametrize(
    "text", ["[x](https://a.example/b_(c))", "![x](https://a.example/b_(c))", "<https://a.example/b_(c)|x>"]
)
async def test_links_and_images_become_links(page: Page, text: str) -> None:
    made = await page.evaluate(RENDER, text)
    attributes = (
        'href="https://a.example/b_(c)" target="_blank" rel="noopener noreferrer" title="https://a.example/b_(c)"'
    )
    assert made == f"<p><a {attributes}>x</a></p>"


async def test_a_bare_address_ends_before_the_punctuation_after_it(page: Page) -> None:
    made = await page.evaluate(RENDER, "(see https://a.example/x_(y)). https://b.example/, done")
    assert re.findall(r'href="([^"]*)"', made) == ["https://a.example/x_(y)", "https://b.example/"]


async def test_a_table_keeps_its_columns_and_sides(page: Page) -> None:
    made = await page.evaluate(RENDER, "| a | b |\n|:--|--:|\n| `x \\| y` | 1 |\n| only |")
    assert '<th class="to-end">b</th>' in made
    assert '<td><code>x | y</code></td><td class="to-end">1</td>' in made
    assert '<td>only</td><td class="to-end"></td>' in made


@pytest.mark.parametrize("path", DOCUMENTS, ids=lambda path: path.stem)
async def test_a_text_that_grows_ends_as_the_whole_and_makes_nothing_else(page: Page, path: Path) -> None:
    tags, same = await page.evaluate(CUT, path.read_text())
    assert set(tags) <= INLINE | BLOCKS
    assert same


@pytest.mark.parametrize(
    "text",
    [
        "*" * 12000,
        "[" * 12000,
        "> " * 6000,
        "`" * 11999 + "a",
        "- " * 6000,
        "a**" * 4000,
        "[a](" * 3000,
        "_a " * 4000,
        "<" * 12000,
    ],
)
async def test_text_made_to_be_slow_is_not(page: Page, text: str) -> None:
    since = "const start = performance.now()"
    timed = f"async (text) => {{ {since}; await ({RENDER})(text); return performance.now() - start; }}"
    took = await page.evaluate(timed, text)
    assert took < 1000
