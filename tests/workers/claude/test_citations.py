import pytest

from workers.claude.citations import links


@pytest.mark.parametrize(
    ("url", "shown"),
    [
        ("https://www.example.com/a", "[example.com](https://www.example.com/a)"),
        ("http://example.com:8080/a?b=c&d=e#f", "[example.com](http://example.com:8080/a?b=c&d=e#f)"),
        ("https://example.com/a%20b", "[example.com](https://example.com/a%20b)"),
        ("https://example.com/a b)[c](d", "[example.com](https://example.com/a%20b%29%5Bc%5D%28d)"),
        ("https://example.com/\n<!channel>", "[example.com](https://example.com/%0A%3C!channel%3E)"),
        ("https://user:pass@example.com/", "[example.com](https://user:pass@example.com/)"),
    ],
)
def test_a_link_names_its_host_and_stays_one_link(url: str, shown: str) -> None:
    assert links([{"url": url}]) == f" ({shown})"


@pytest.mark.parametrize(
    "url", ["javascript:alert(1)", "ftp://example.com", "https://", "https://[x", "https://ex]ample.com/", "", None, 5]
)
def test_what_is_no_web_address_is_left_out(url: object) -> None:
    assert links([{"url": url}]) == ""


def test_each_address_stands_once() -> None:
    first, second = {"url": "https://a.example/1"}, {"url": "https://b.example/2"}
    assert links([first, second, first]) == " ([a.example](https://a.example/1), [b.example](https://b.example/2))"


def test_a_citation_of_a_document_has_no_address() -> None:
    assert links([{"type": "char_location", "document_title": "A"}]) == ""
