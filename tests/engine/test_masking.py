"""Secrets in the output of a build: in each form that a program prints them in, and nothing else."""

import base64
import io
from urllib.parse import quote

import pytest
from hypothesis import given
from hypothesis import strategies as st

from builder.base.emitter import Events
from builder.engine.masking import HIDDEN, Mask
from builder.engine.progress import BuildProgress, read_events

NETRC = b"machine files.test login robot password p@ss:w0rd\n"
PROXY = b"HTTPS_PROXY='http://robot:pr@x#y%40z@proxy.test:3128'\nNO_PROXY=localhost,files.test\n"
TOKENS = b"GOPROXY='https://files.test/?token=t0ken/value'\nCARGO_REGISTRIES_X_TOKEN='Basic abcdefgh'\n"
NPMRC = b"//files.test/:_authToken=npm_abc\n"
SETTINGS = b"<settings><server><id>corp</id><password>letters</password></server></settings>\n"
CA = b"-----BEGIN CERTIFICATE-----\nMIIBlongwords\n-----END CERTIFICATE-----\n"
SECRETS = {
    b"deploy-word\n": "deploy-word",
    NETRC: "p@ss:w0rd",
    PROXY: "pr@x#y%40z",
    TOKENS: "t0ken/value",
    NPMRC: "npm_abc",
    SETTINGS: "letters",
}


@pytest.mark.parametrize("content", list(SECRETS))
def test_a_secret_is_hidden_in_each_form(content: bytes) -> None:
    secret, mask = SECRETS[content], Mask([content])
    for form in (secret, quote(secret), quote(secret, safe=""), base64.b64encode(secret.encode()).decode()):
        assert secret not in mask(f"a {form} b")
        assert HIDDEN in mask(f"a {form} b")
    for user in ("u", "me", "you"):
        assert HIDDEN in mask(base64.b64encode(f"{user}:{secret}".encode()).decode())


def test_the_rest_stays() -> None:
    mask = Mask([*SECRETS, CA])
    for text in ("proxy.test:3128", "files.test", "localhost", "MIIBlongwords", "machine", "password", "", "robot"):
        assert mask(text) == text
    assert Mask([])("anything") == "anything"
    assert Mask([b"\n", b"ab\n"])("a cab") == "a cab"


@given(st.text(st.characters(codec="utf-8", exclude_categories=["C", "Z"]), min_size=4), st.integers(0, 2))
def test_base64_of_any_secret_is_hidden_wherever_it_begins(secret: str, before: int) -> None:
    encoded = base64.b64encode(b"\xff" * before + secret.encode() + b"\xff").decode()
    middle = Mask([secret.encode()])(encoded)
    longest = len(secret.encode()) * 8 // 6 - 1
    assert HIDDEN in middle or longest < 8


def test_no_line_event_or_message_of_a_build_has_one() -> None:
    log, heard = io.StringIO(), Events()
    progress = BuildProgress(heard, log, Mask([b"deploy-word"]))
    data = base64.b64encode(b"one deploy-word\ntwo deploy-").decode()
    more = base64.b64encode(b"word\nrest deploy-word").decode()
    vertex = '{"vertexes": [{"digest": "d", "name": "[a 1/1] RUN x", "started": "now"}]}\n'
    failed = '{"vertexes": [{"digest": "d", "name": "[a 1/1] RUN x", "error": "no deploy-word", "completed": "now"}]}\n'
    lines = [f'{{"logs": [{{"vertex": "d", "data": "{text}"}}]}}\n' for text in (data, more)]
    chunks = iter([vertex.encode(), *(line.encode() for line in lines), failed.encode(), b"client: deploy-word\n", b""])
    read_events(lambda: next(chunks), progress)
    progress.line("plain deploy-word")
    progress.close(succeeded=False)
    assert progress.failed
    told = [log.getvalue(), str(progress.failed.error), *progress.failed.lines, *progress.other]
    assert not [text for text in told if "deploy-word" in text]
    assert log.getvalue().count(HIDDEN) == 5
