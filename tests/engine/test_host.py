"""Settings of the host for containers: CA bundles, proxies, package indexes, secrets."""

import os
from pathlib import Path

import pytest

from builder.base.errors import UsageError
from builder.engine import host

IDS = ("environment", "ca", "indexes")
PEM = "-----BEGIN CERTIFICATE-----\n{}\n-----END CERTIFICATE-----\n"


@pytest.fixture(autouse=True)
def _bare(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in list(os.environ):
        if (
            name in host.CA_VARIABLES + host.EXTRA_CA_VARIABLES
            or "PROXY" in name.upper()
            or name.startswith(("UV_", "PIP_"))
        ):
            monkeypatch.delenv(name)


def test_the_certificates_of_all_bundles_are_combined(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
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


def test_additional_certificates_are_combined_with_the_default_ones(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "usual.pem").write_text(PEM.format("USUAL"))
    (tmp_path / "extra.pem").write_text(PEM.format("EXTRA"))
    monkeypatch.setenv("NODE_EXTRA_CA_CERTS", str(tmp_path / "extra.pem"))
    paths = type("Paths", (), {"cafile": str(tmp_path / "usual.pem")})
    monkeypatch.setattr("ssl.get_default_verify_paths", lambda: paths)
    assert b"USUAL" in host.certificates()
    assert b"EXTRA" in host.certificates()


def test_additional_certificates_are_combined_with_those_of_certifi_where_the_system_has_no_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As on Windows, and with python.org's Python on a Mac."""
    (tmp_path / "extra.pem").write_text(PEM.format("EXTRA"))
    monkeypatch.setenv("NODE_EXTRA_CA_CERTS", str(tmp_path / "extra.pem"))
    monkeypatch.setattr("ssl.get_default_verify_paths", lambda: type("Paths", (), {"cafile": None}))
    text = host.certificates()
    assert b"EXTRA" in text
    assert text.count(b"BEGIN CERTIFICATE") > 100


def test_a_bundle_that_exceeds_the_size_of_a_secret_is_reported(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "big.pem").write_text("".join(PEM.format(f"{i:01000}") for i in range(600)))
    monkeypatch.setenv("SSL_CERT_FILE", str(tmp_path / "big.pem"))
    with pytest.raises(UsageError, match="more than the 500 KB"):
        host.certificates()


def test_proxies_and_settings_of_indexes_are_secrets_of_their_own_and_the_rest_is_none(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HTTPS_PROXY", "http://me:it's@proxy:1")
    monkeypatch.setenv("UV_INDEX_INNER_PASSWORD", "$(x)")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "no")
    monkeypatch.setenv("AN_ECOSYSTEMS_MIRROR", "https://$inner.example")
    files = host.write_secrets(tmp_path / "private", IDS, [], {"AN_ECOSYSTEMS_MIRROR", "NOT_SET"})
    assert {name: path.read_text() for name, path in files.items()} == {
        "environment": "HTTPS_PROXY='http://me:it'\"'\"'s@proxy:1'\n",
        "indexes": "AN_ECOSYSTEMS_MIRROR='https://$inner.example'\n",
    }


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
def test_invalid_secrets_are_refused(text: str, problem: str) -> None:
    with pytest.raises(UsageError, match=problem):
        host.parse_secret(text)


def test_secrets_come_from_files_and_variables(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "f").write_bytes(b"from a file")
    monkeypatch.setenv("TOKEN", "from a variable")
    assert host.parse_secret(f"id=x,src={tmp_path / 'f'}").content() == b"from a file"
    assert host.parse_secret("id=x,env=TOKEN").content() == b"from a variable"
    assert host.parse_secret("id=TOKEN").content() == b"from a variable"
    files = host.write_secrets(tmp_path / "private", IDS, [host.parse_secret("id=x,env=TOKEN")])
    assert set(files) == {"x"}
    assert files["x"].stat().st_mode & 0o077 == 0
