"""Downloads of published versions: a lost connection is resumed, and the signature of the address is not told."""

import base64
import hashlib
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from kit.raw_server import Answer, answering, response

from builder.base.errors import BuildError, UnreachableError, UsageError
from builder.publish import pull

DATA = bytes(range(256)) * 1000
HALF = len(DATA) // 2
ARN = "arn:aws:lambda:eu-west-1:123456789012:layer:some:3"


def pulled(folder: Path, *answers: Answer, address: str = "") -> tuple[bytes, list[dict[str, str]]]:
    """Pull a version from a region that names a server with these answers; return the zip and its requests."""
    with answering(*answers) as server:
        content = {
            "Location": address or f"{server.url}/some.zip?X-Amz-Signature=tok3n",
            "CodeSha256": base64.b64encode(hashlib.sha256(DATA).digest()).decode(),
            "CodeSize": len(DATA),
        }
        answer = {"Version": 3, "LayerVersionArn": ARN, "Content": content, "CompatibleRuntimes": ["python3.13"]}
        cloud: Any = SimpleNamespace(functions=lambda _: SimpleNamespace(get_layer_version=lambda **_: answer))
        path = pull.pull(cloud, ARN, folder)
        return path.read_bytes(), [asked.headers for asked in server.asked]


def test_a_lost_connection_is_resumed_without_credentials_of_this_host(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """S3 refuses a presigned address with another Authorization, and netrc can have one for every host."""
    (tmp_path / "netrc").write_text("default login alice password s3cret\n")
    monkeypatch.setenv("NETRC", str(tmp_path / "netrc"))
    cut = response(DATA)[: -len(DATA) + HALF]
    content_range = f"Content-Range: bytes {HALF}-{len(DATA) - 1}/{len(DATA)}"
    rest = response(DATA[HALF:], content_range, status="206 Partial Content")
    data, asked = pulled(tmp_path / "out", cut, rest)
    assert data == DATA
    assert [headers.get("range") for headers in asked] == [None, f"bytes={HALF}-"]
    assert not any("authorization" in headers for headers in asked)
    assert sorted(path.name for path in (tmp_path / "out").iterdir()) == ["some-3.json", "some-3.zip"]


@pytest.mark.parametrize(
    ("answer", "kind", "why"),
    [
        (response(status="403 Forbidden"), UsageError, "403 Forbidden"),
        (response(status="503 Slow Down"), UnreachableError, "503 Slow Down"),
        (response(DATA[1:]), BuildError, "reported"),
        ("file:///etc/hostname?tok3n", UsageError, "only http and https"),
    ],
    ids=["403", "503", "hash", "file"],
)
def test_errors_hold_no_signature(answer: Answer | str, kind: type[Exception], why: str, tmp_path: Path) -> None:
    answers, address = ((b"",), answer) if isinstance(answer, str) else ((answer,), "")
    with pytest.raises(kind) as caught:
        pulled(tmp_path / "out", *answers, address=address)
    assert type(caught.value) is kind
    assert why in str(caught.value)
    assert "tok3n" not in str(caught.value)
    assert "retry the pull" in str(caught.value)
    assert not [path for path in (tmp_path / "out").iterdir() if path.suffix == ".zip"]
