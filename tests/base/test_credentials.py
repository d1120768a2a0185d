"""Credentials: whom they are for, and what is told of them."""

import time

import pytest

from builder.base import credentials


@pytest.mark.parametrize(
    ("text", "told"),
    {
        "http://user:pass@host/a": "http://host/a",
        "http://user:p@ss@word@host:8/a": "http://host:8/a",
        "http://user:p?ss#w@host/a": "http://host/a",
        "git+https://token@host/a.git": "git+https://host/a.git",
        "two: http://a:b@h/, http://c:d@i/": "two: http://h/, http://i/",
        "https://h/a?token=1&b=2": "https://h/a?…",
        "https://h?token=1": "https://h?…",
        "(https://h/a?X-Signature=1%2B). Next": "(https://h/a?…). Next",
        "'https://h/a?x=1', `https://h/b?y=2`": "'https://h/a?…', `https://h/b?…`",
        '{"a":"https://h?x=1","b":"c?d"}': '{"a":"https://h?…","b":"c?d"}',
        "https://h/a?next=http://u:p@i/": "https://h/a?…",
        "https://registry/@scope/name": "https://registry/@scope/name",
        "https://h/a#sha256=1": "https://h/a#sha256=1",
        "is it a? user@host:path": "is it a? user@host:path",
        "": "",
    }.items(),
)
def test_user_password_and_query_are_not_told(text: str, told: str) -> None:
    assert credentials.redact(text) == told


@pytest.mark.parametrize("part", ["://", "?)", "://?", "@", "://a@", ")", "://x?" + ")" * 50])
def test_redaction_takes_time_in_proportion(part: str) -> None:
    text = "http://" + part * (300_000 // len(part)) + "x"
    began = time.process_time()
    credentials.redact(text)
    assert time.process_time() - began < 2


@pytest.mark.parametrize(
    ("one", "other", "same"),
    [
        ("https://h/a", "https://h:443/b", True),
        ("http://h:80/", "http://H/", True),
        ("https://h/", "http://h/", False),
        ("https://h/", "https://h:444/", False),
        ("https://h/", "https://h.example/", False),
        ("https://h/", "https://u:p@h/", True),
        ("https://h:x/", "https://h:x/", False),
        ("http://[", "http://[", False),
    ],
)
def test_an_origin_is_scheme_host_and_port(one: str, other: str, same: bool) -> None:  # noqa: FBT001
    assert credentials.same_origin(one, other) == same


def test_settings_that_are_no_addresses_are_passed_over(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("UV_INDEX", "https://h:port/ http://[ https://u:p@h/")
    monkeypatch.setenv("NETRC", "/nowhere")
    assert credentials.header("https://h/a") == {"Authorization": "Basic dTpw"}
    assert credentials.header("https://i/a") == {}
    assert credentials.without("http://[u:p@") == "http://[u:p@"
