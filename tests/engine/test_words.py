"""What a build says and what becomes of it: events, first errors, secrets of the host."""

import io
import json
import os
from base64 import b64encode
from pathlib import Path

import pytest

from builder.base.errors import BuildError, EngineError, LayerwrightError, UsageError
from builder.engine import failure, host
from builder.engine.progress import BuildProgress, read_events, read_lines

PEM = "-----BEGIN CERTIFICATE-----\n{}\n-----END CERTIFICATE-----\n"


def followed(*events: object, between: str = "\n") -> tuple[BuildProgress, list[tuple[str, str]], str]:
    shown: list[tuple[str, str]] = []
    log = io.StringIO()
    progress = BuildProgress(lambda stage, line: shown.append((stage, line)), log)
    text = between.join(one if isinstance(one, str) else json.dumps(one, indent=1) for one in events)
    stream = io.BytesIO(text.encode())
    read_events(lambda: stream.read(7), progress)
    return progress, shown, log.getvalue()


def vertex(name: str, **more: str) -> dict[str, object]:
    return {"vertexes": [{"digest": name, "name": name, "started": "t", **more}]}


def said(name: str, text: str) -> dict[str, object]:
    return {"logs": [{"vertex": name, "data": b64encode(text.encode()).decode()}]}


def test_events_become_steps_and_a_log_wherever_the_stream_is_cut() -> None:
    name = "[step-1 2/3] RUN make"
    progress, shown, log = followed(
        vertex(name), said(name, "cc größe.c\nwarn"), said(name, "ing\n"), "a line of the client"
    )
    assert shown == [("step-1", ""), ("step-1", "cc größe.c"), ("step-1", "warning")]
    assert "==> [step-1 2/3] RUN make\ncc größe.c\nwarning\n" in log
    assert progress.other == ["a line of the client"]
    assert progress.failed is None


def test_of_two_broken_steps_the_cause_is_the_one_that_was_not_cancelled() -> None:
    progress, _, _ = followed(
        vertex("[a 1/1] RUN x", error="process did not complete: context canceled"),
        vertex("[b 1/1] RUN y", error="exit code: 2"),
        between="",
    )
    assert progress.failed is not None
    assert progress.failed.stage == "b"


def test_plain_lines_of_other_clients_become_steps_too() -> None:
    shown: list[tuple[str, str]] = []
    progress = BuildProgress(lambda stage, line: shown.append((stage, line)), io.StringIO())
    read_lines(io.BytesIO(b"STEP 2/3: RUN make\nx.c:1:1: error: boom\n"), progress)
    assert shown[-1] == ("STEP 2/3: RUN make", "x.c:1:1: error: boom")


@pytest.mark.parametrize(
    ("lines", "first"),
    [
        (
            [
                "gcc -c a.c",
                "a.c:3:5: error: unknown type name 'foo'",
                "    3 | foo x;",
                "error: command '/usr/bin/gcc' failed",
            ],
            "a.c:3:5:",
        ),
        (["ld: cannot find -lpq: No such file", "collect2: error: ld returned 1 exit status"], "ld: cannot find -lpq"),
        (["x.o: in function `f':", "x.c:(.text+0x5): undefined reference to `g'"], "x.c:(.text+0x5): undefined"),
        (["Error: pg_config executable not found.", "pg_config is required"], "Error: pg_config"),
        (["cc -Werror -c a.c", "checking for error: 0", "done badly"], "cc -Werror"),
    ],
)
def test_the_first_error_is_the_compilers_own(lines: list[str], first: str) -> None:
    assert failure.first_error(lines)[0].startswith(first)


@pytest.mark.parametrize(
    ("error", "lines", "kind", "text"),
    [
        ("write /x: no space left on device", [], EngineError, "the disk of the container engine is full"),
        ("", ["cc: fatal error: a.o: No space left on device"], EngineError, "docker buildx prune"),
        ("failed to resolve source metadata for x: not found", [], BuildError, "LAYERWRIGHT_REGISTRY"),
        ("exec /bin/sh: exec format error", [], EngineError, "no emulation is registered"),
        ("exit code: 1", ["No match for argument: libpq-dvel"], BuildError, "did you mean `libpq-devel`?"),
        ("exit code: 1", ["a.c:1:1: error: boom"], BuildError, "a.c:1:1: error: boom"),
    ],
)
def test_a_failure_is_told_by_its_cause(error: str, lines: list[str], kind: type[LayerwrightError], text: str) -> None:
    name = "[step-1 1/2] RUN x"
    progress, _, _ = followed(
        vertex(name), said(name, "".join(f"{line}\n" for line in lines)), vertex(name, error=error or "x")
    )
    found = failure.explain(progress, "t", "image:1", Path("t.log"), "al2023")
    assert isinstance(found, kind)
    assert text in str(found)


def test_an_engine_that_went_away_is_an_engine_error() -> None:
    progress, _, _ = followed(
        "ERROR: rpc error: code = Unavailable desc = closing transport due to: connection error\n"
    )
    found = failure.explain(progress, "t", "image:1", Path("t.log"), "al2023")
    assert found.exit_code == 7
    assert "went away" in str(found)


# ---- this host -----------------------------------------------------------------------------------------------------


@pytest.fixture(autouse=True)
def _bare(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in list(os.environ):
        if (
            name in host.CA_VARIABLES + host.EXTRA_CA_VARIABLES
            or "PROXY" in name.upper()
            or name.startswith(("UV_", "PIP_"))
        ):
            monkeypatch.delenv(name)


def test_all_bundles_together_are_what_the_host_means(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert host.certificates() == b""
    (tmp_path / "a.pem").write_text(PEM.format("AAA") + "# a comment\n" + PEM.format("BBB"))
    (tmp_path / "b.pem").write_text(PEM.format("BBB") + PEM.format("CCC"))
    monkeypatch.setenv("SSL_CERT_FILE", str(tmp_path / "a.pem"))
    monkeypatch.setenv("PIP_CERT", str(tmp_path / "b.pem"))
    text = host.certificates().decode()
    assert [text.count(name) for name in ("AAA", "BBB", "CCC", "comment")] == [1, 1, 1, 0]
    monkeypatch.setenv("PIP_CERT", str(tmp_path / "gone.pem"))
    with pytest.raises(UsageError, match=r"gone\.pem cannot be read"):
        host.certificates()


def test_what_only_adds_certificates_comes_on_top_of_the_usual(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "usual.pem").write_text(PEM.format("USUAL"))
    (tmp_path / "extra.pem").write_text(PEM.format("EXTRA"))
    monkeypatch.setenv("NODE_EXTRA_CA_CERTS", str(tmp_path / "extra.pem"))
    paths = type("Paths", (), {"cafile": str(tmp_path / "usual.pem")})
    monkeypatch.setattr("ssl.get_default_verify_paths", lambda: paths)
    assert b"USUAL" in host.certificates()
    assert b"EXTRA" in host.certificates()


def test_a_bundle_that_is_too_big_for_a_secret_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "big.pem").write_text("".join(PEM.format(f"{i:01000}") for i in range(600)))
    monkeypatch.setenv("SSL_CERT_FILE", str(tmp_path / "big.pem"))
    with pytest.raises(UsageError, match="more than the 500 KB"):
        host.certificates()


def test_steps_get_proxy_and_index_but_not_the_rest(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HTTPS_PROXY", "http://me:it's@proxy:1")
    monkeypatch.setenv("UV_INDEX_INNER_PASSWORD", "$(x)")
    monkeypatch.setenv("UV_CACHE_DIR", "/mine")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "no")
    assert host.environment() == "HTTPS_PROXY='http://me:it'\"'\"'s@proxy:1'\nUV_INDEX_INNER_PASSWORD='$(x)'\n"


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("netrc", "is not `id=NAME"),
        ("id=a b,env=HOME", "is not `id=NAME"),
        ("id=a,file=x", "is not `id=NAME"),
        ("id=a,src=/none,env=HOME", "is not `id=NAME"),
        ("id=a,src=/no/such/file", "there is no file"),
        ("id=a,env=NO_SUCH_VARIABLE", "the environment variable NO_SUCH_VARIABLE is not set"),
        ("id=layerwright-ca,env=HOME", "names that begin with `layerwright-` are reserved"),
    ],
)
def test_secrets_that_make_no_sense_are_told(text: str, problem: str) -> None:
    with pytest.raises(UsageError, match=problem):
        host.parse_secret(text)


def test_secrets_come_from_files_and_variables(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "f").write_bytes(b"from a file")
    monkeypatch.setenv("TOKEN", "from a variable")
    assert host.parse_secret(f"id=x,src={tmp_path / 'f'}").content() == b"from a file"
    assert host.parse_secret("id=x,env=TOKEN").content() == b"from a variable"
    assert host.parse_secret("id=TOKEN").content() == b"from a variable"
    files = host.write_secrets(tmp_path / "private", ("environment", "ca"), [host.parse_secret("id=x,env=TOKEN")])
    assert set(files) == {"x"}
    assert files["x"].stat().st_mode & 0o077 == 0
