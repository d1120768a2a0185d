"""Random faults and kills: after one resume there is exactly one version with exactly the requested shares."""

import contextlib
import random
import threading
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from kit import published
from kit.front import Front, Kind, Request
from kit.published import ACCOUNT, ORGANIZATION, OTHER

from builder.base.emitter import Events
from builder.base.errors import LayerwrightError, NothingSelectedError
from builder.publish import aws, run
from builder.publish.aws import Cloud, RequestLimits
from builder.publish.interaction import Interaction
from builder.publish.layer_version import InputZip, PublishOptions, gather
from builder.publish.publish_state import PublishRequest

AT_ONCE = 50
SEEDS = [
    *range(0, 100, AT_ONCE),
    *(pytest.param(first, marks=pytest.mark.long) for first in range(100, 1000, AT_ONCE)),
]
REGIONS = ("us-east-1", "eu-west-1")
KINDS: tuple[Kind, ...] = (
    *("throttle", "500 before", "500 after", "reset before", "reset after", "slow") * 3,
    "hang before",
    "hang after",
    "late",
)
LIMITS = RequestLimits(
    rate=1000, attempts=4, read_timeout=0.25, upload_timeout=0.25, settle=(0.0, 0.2, 0.4), backoff=0.01
)
INTERACTION = Interaction(yes=True, account=ACCOUNT, quiet=True, events=Events())
SHARES: tuple[tuple[str, ...], ...] = ((), (ORGANIZATION,), (OTHER,), (ORGANIZATION, OTHER), ("public",))


class _KilledError(BaseException):
    """A killed process: not caught by `except Exception`."""


class Faults:
    """The faults of one run, determined by the seed."""

    def __init__(self, seed: int) -> None:
        self.random = random.Random(seed)
        self.often = self.random.choice((0.05, 0.2, 0.4))
        self.expires = self.random.randint(2, 25) if self.random.random() < 0.15 else None
        self.killed_at = self.random.randint(2, 25) if self.random.random() < 0.3 else None
        self.before = self.random.random() < 0.5
        self.seen = 0
        self.counts: Counter[str] = Counter()
        self._lock = threading.Lock()

    def fault(self, request: Request) -> Kind | None:
        with self._lock:
            self.seen += 1
            expired = self.expires is not None and self.seen >= self.expires
            kind = "expired" if expired else self._kind(request)
            self.counts[kind or "none"] += 1
            return kind

    def _kind(self, request: Request) -> Kind | None:
        if request.service != "lambda" or self.random.random() > self.often:
            return None
        return self.random.choice(KINDS)

    def dead(self, *, sending: bool) -> None:
        """Kill the process from the request of the seed on, in all threads."""
        if self.killed_at is not None and self.seen >= self.killed_at and (sending or not self.before):
            self.counts["killed"] += 1
            raise _KilledError


@pytest.fixture(autouse=True)
def _no_time_to_waste(monkeypatch: pytest.MonkeyPatch) -> None:
    from botocore.retries.standard import ExponentialBackoff

    monkeypatch.setattr(ExponentialBackoff, "delay_amount", lambda *_: 0.005)


@pytest.fixture
def trouble(monkeypatch: pytest.MonkeyPatch) -> Iterator[dict[str, Faults]]:
    """Hold the faults of the current run; clients check them before each request and after each response."""
    current: dict[str, Faults] = {}
    before_send, on_response = aws.before_send, aws.on_response

    def sending(pace: Any, **given: Any) -> None:
        if now := current.get("now"):
            now.dead(sending=True)
        before_send(pace, **given)

    def heard(pace: Any, **given: Any) -> None:
        if now := current.get("now"):
            now.dead(sending=False)
        on_response(pace, **given)

    monkeypatch.setattr(aws, "before_send", sending)
    monkeypatch.setattr(aws, "on_response", heard)
    yield current
    current.clear()


def _before(cloud: Front, chosen: random.Random, name: str, ours: bytes) -> None:
    """Create earlier versions, sometimes with the same content, and with statements added by hand."""
    for region in REGIONS:
        client = published.functions(cloud, region)
        contents = [b"old"] * chosen.randint(0, 2) + [ours] * (chosen.random() < 0.2)
        for content in contents:
            made = client.publish_layer_version(LayerName=name, Content={"ZipFile": content})
            if chosen.random() < 0.5:
                client.add_layer_version_permission(
                    LayerName=name,
                    VersionNumber=made["Version"],
                    StatementId="by-hand",
                    Action="lambda:GetLayerVersion",
                    Principal=chosen.choice(("111111111111", "210987654321")),
                )


def _once(request: PublishRequest, limits: RequestLimits) -> None:
    with contextlib.suppress(LayerwrightError, _KilledError):
        run.publish(Cloud(limits=limits), request, INTERACTION)


def _resumed(request: PublishRequest) -> None:
    """Resume, or repeat the request if the first run did not begin."""
    try:
        again, account = run.unfinished(request.output)
        assert account == ACCOUNT
    except NothingSelectedError:
        again = request
    result = run.publish(
        Cloud(limits=RequestLimits(rate=1000, settle=(0.0, 0.2))),
        again,
        INTERACTION,
    )
    assert result.good


@pytest.mark.parametrize("first", SEEDS)
def test_after_any_faults_and_one_resume_there_is_one_version(
    first: int, cloud: Front, tmp_path: Path, trouble: dict[str, Faults]
) -> None:
    told: Counter[str] = Counter()
    for seed in range(first, first + AT_ONCE):
        now = Faults(seed)
        name, share = f"run{seed}", now.random.choice(SHARES)
        path = published.layer(tmp_path / f"{seed}", name, f"content {seed}".encode())
        published_name = f"{name}-python313-arm64"
        _before(cloud, now.random, published_name, path.read_bytes())
        layers = gather([InputZip(zip=path)], PublishOptions(regions=REGIONS, share=share, public=True))
        request = PublishRequest(layers=layers, output=path.parent)
        cloud.fault, trouble["now"] = now.fault, now
        _once(request, LIMITS)
        del trouble["now"]
        cloud.until_idle()
        cloud.fault = lambda _: None
        _resumed(request)
        for region in REGIONS:
            found = published.versions(cloud, region, published_name)
            ours = [number for number, code in found.items() if code == published.code_sha256(path)]
            assert len(ours) == 1, (seed, region, found, now.counts)
            assert published.shared(cloud, region, published_name, ours[0]) == sorted(share), (seed, region)
        told += now.counts
    assert told["none"] < sum(told.values()), "no fault was injected"
    assert {"500 after", "reset after", "killed", "expired"} <= set(told)
