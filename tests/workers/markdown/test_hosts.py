import pytest

from tests.kit.hostile_markdown import PEOPLE
from workers.markdown.sanitize import harmless


@pytest.mark.parametrize(
    "label",
    [
        "192.168.1.1",
        "see 10.0.0.1:8080",
        "localhost",
        "localhost/admin",
        "[::1]",
        "[fe80::1]:80",
        "bank·example",
        "bank‧example",
    ],
)
def test_a_host_without_a_domain_or_with_other_dots_hides_no_host(label: str) -> None:
    assert harmless(f"[{label}](https://evil.example/x)", PEOPLE).endswith("(https://evil.example/x) (evil.example)")


EVIL = "https://evil.example"


@pytest.mark.parametrize(
    "text",
    [
        f"[bank]({EVIL})[.example/login]({EVIL})",
        f"<{EVIL}|bank><{EVIL}|.example>",
        f"https://bank.example/[login]({EVIL})",
        f"<https://bank.example/>[login]({EVIL})",
        f"https://me@bank.example:80/a/[login]({EVIL})",
        f"[bank.example](https://bank.example)/[login]({EVIL})",
        f"bank.[example]({EVIL})",
        f"[bank.]({EVIL})example",
        f"**[bank]({EVIL})**.example",
        f"[bank]({EVIL})&#46;[example]({EVIL})",
        f"[bank]({EVIL})**.**[example]({EVIL})",
        f"[bank]({EVIL})\u200b\u00b7[example]({EVIL})",
        f"[`bank`]({EVIL})[`.example`]({EVIL})",
        f"bank<b></b>[.example]({EVIL})",
        f"[bank][1][.example][1]\n\n[1]: {EVIL}",
        f"[![bank](https://a.bc/d.png)]({EVIL}).example",
        f"[https:]({EVIL})//bank.example/x",
        f"https://[bank.py]({EVIL})",
        f"local[host]({EVIL})",
        f"192.168.[0.1]({EVIL})",
        f"[bank.exam\u200aple]({EVIL})",
        f"[bank\u2009.example]({EVIL})",
        f"[0x7f.1]({EVIL})",
    ],
)
def test_an_address_of_several_links_or_of_links_and_text_hides_no_host(text: str) -> None:
    safe = harmless(text, PEOPLE)
    assert "(evil.example)" in safe
    assert harmless(safe, PEOPLE) == safe


@pytest.mark.parametrize(
    "text",
    [
        "[bank.example](https://bank.example)/[login](https://bank.example/login)",
        "[a.bc](https://a.bc),[d.ef](https://d.ef)",
        f"[docs]({EVIL}). Next one, see [docs]({EVIL}).",
        f"A fact.[1]({EVIL}).[2]({EVIL})",
        f"config.yaml,[docs]({EVIL})",
        f"https://bank.example\n[login]({EVIL})",
        f"https://bank.example [login]({EVIL})",
    ],
)
def test_links_beside_each_other_have_no_note_where_nothing_looks_like_another_host(text: str) -> None:
    assert harmless(text, PEOPLE) == text


@pytest.mark.parametrize("address", [f"{EVIL}\\@bank.example", f"<{EVIL}\\@bank.example>", "http:\\/\\/a.bc"])
def test_an_address_whose_host_has_a_backslash_is_no_link(address: str) -> None:
    assert "\u2060:" in harmless(address)


@pytest.mark.parametrize(
    "more", ["a@evil.example,b@bank.example", "a@evil.example%2cb@bank.example", "b@bank.example?bcc=a@evil.example"]
)
def test_a_link_to_write_to_more_than_one_address_is_text(more: str) -> None:
    assert harmless(f"[b@bank.example](mailto:{more})") == f"\\[b@bank.example\\] (`mailto:{more}`)"
    one = "[b@bank.example](mailto:b@bank.example?subject=To,you%26me@home)"
    assert harmless(one) == one


def test_an_address_that_browsers_would_clean_is_shown_as_they_read_it() -> None:
    assert harmless("[bank.example](https://evil&Tab;.example)") == "bank.example (`https://evil.example`)"


def test_what_refers_to_an_address_that_may_be_no_link_is_text() -> None:
    assert harmless("[r][1](x)\n\n[1]: src/x.py") == "\\[r\\]\\[1\\](x)\n\n\\[1]: src/x.py"
    assert harmless("[r][1] [1]\n\n[1]: src/x.py") == "[r][1] [1]\n\n\\[1]: src/x.py"


def test_a_link_to_the_address_that_it_shows_has_no_note() -> None:
    text = "[192.168.1.1](http://192.168.1.1/x) and [localhost:80](http://localhost:80) and [Notes](https://a.bc)"
    assert harmless(text, PEOPLE) == text


@pytest.mark.parametrize("invisible", list("\u00ad\u034f\u180e\u200b\u2061\u3164\ufe0f\ufeff\U000e0020\U000e0100"))
def test_an_invisible_character_hides_no_host(invisible: str) -> None:
    safe = harmless(f"[bank{invisible}.example](https://evil.example)")
    assert safe.endswith("(https://evil.example) (evil.example)")


@pytest.mark.parametrize("invisible", list("\u2800\ufff9\ufffb\U00013431\U00016fe4\U0001d159\u2065\U000e0fff"))
def test_what_is_drawn_as_nothing_hides_no_host(invisible: str) -> None:
    assert "(evil.example)" in harmless(f"[ba{invisible}nk.exa{invisible}mple](https://evil.example)")


@pytest.mark.parametrize("tag", ["<b></b>", "<!-- -->", "<!-- > -->", "<br/>", "<i>", "<?a?>", "<x y='z'>", "&shy;<b>"])
def test_a_tag_hides_no_host_where_html_is_drawn(tag: str) -> None:
    assert "(evil.example)" in harmless(f"[bank{tag}.example](https://evil.example)")
    assert "(evil.example)" not in harmless(f"[the{tag} < bank](https://evil.example)")
