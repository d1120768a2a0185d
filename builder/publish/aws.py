"""boto3 as publishing needs it: one client per region and purpose, paced, and errors in words."""

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import partial
from typing import Any

from builder import __version__
from builder.base.errors import LayerwrightError, PublishError, UnreachableError, UsageError
from builder.publish.pace import RATE, Pace

_THROTTLED = {"TooManyRequestsException", "ThrottlingException", "Throttling", "RequestLimitExceeded", "SlowDown"}
_EXPIRED = {"ExpiredTokenException", "ExpiredToken", "RequestExpired", "TokenRefreshRequired"}
_UNKNOWN_HERE = {"UnrecognizedClientException", "InvalidClientTokenId", "AuthFailure", "InvalidAccessKeyId"}
_DENIED = {"AccessDeniedException", "AccessDenied", "403"}
_MISSING = {"ResourceNotFoundException", "ParameterNotFound", "NoSuchKey", "404"}
_SERVER = 500


@dataclass(frozen=True, kw_only=True, slots=True)
class Limits:
    """How patient and how fast; tests are less patient."""

    rate: float = RATE
    """Requests a second and region."""
    attempts: int = 8
    read_timeout: float = 60.0
    upload_timeout: float = 300.0
    """Seconds that a region has for taking a zip and answering."""
    settle: tuple[float, ...] = (1.0, 3.0, 10.0)
    """Seconds before each look whether a version appeared whose answer was lost."""
    backoff: float = 1.0
    """Seconds before a refused publish is sent again; doubles each time."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Identity:
    """Whose credentials these are."""

    account: str
    partition: str
    arn: str


@dataclass(slots=True)
class _Region:
    """What is shared by everybody who asks one region."""

    pace: Pace
    clients: dict[str, Any] = field(default_factory=dict)


class Cloud:
    """AWS with the credentials of boto3's own chain; safe for threads."""

    def __init__(self, profile: str | None = None, limits: Limits | None = None) -> None:
        boto3 = needed()
        from botocore.exceptions import ProfileNotFound

        try:
            self.session = boto3.Session(profile_name=profile)
        except ProfileNotFound as error:
            msg = f"there is no profile `{profile}`" if profile else str(error)
            raise UsageError(msg, hint="`aws configure list-profiles` lists them") from None
        self.limits = limits or Limits()
        self._lock = threading.Lock()
        self._regions: dict[str, _Region] = {}

    def identity(self, region: str) -> Identity:
        """Ask whose credentials these are. Raises UsageError when there are none or nobody answers."""
        with told(f"{region}: the account"):
            found = self._client("sts", region).get_caller_identity()
        partition = self.session.get_partition_for_region(region)
        return Identity(account=found["Account"], partition=partition, arn=found["Arn"])

    def functions(self, region: str) -> Any:  # noqa: ANN401  boto3 makes its classes when it runs
        """Return Lambda's client for whatever may be sent twice."""
        return self._client("lambda", region)

    def publisher(self, region: str) -> Any:  # noqa: ANN401
        """Return the client for PublishLayerVersion, which sends nothing twice: it would publish twice."""
        return self._client("lambda", region, once=True)

    def storage(self, region: str) -> Any:  # noqa: ANN401
        return self._client("s3", region)

    def parameters(self, region: str) -> Any:  # noqa: ANN401
        return self._client("ssm", region)

    def _client(self, service: str, region: str, *, once: bool = False) -> Any:  # noqa: ANN401
        from botocore.config import Config

        with self._lock:  # a session is not safe for threads, its clients are
            shared = self._regions.setdefault(region, _Region(pace=Pace(self.limits.rate)))
            name = f"{service}{' once' if once else ''}"
            if name not in shared.clients:
                config = Config(
                    retries={"mode": "standard", "total_max_attempts": 1 if once else self.limits.attempts},
                    connect_timeout=10.0,
                    read_timeout=self.limits.upload_timeout if once else self.limits.read_timeout,
                    max_pool_connections=32,
                    user_agent_extra=f"layerwright/{__version__}",
                )
                client = self.session.client(service, region_name=region, config=config)
                if service == "lambda":
                    _paced(client, shared.pace)
                    client.can_paginate("list_layers")  # reads a file, which else each thread does by itself
                shared.clients[name] = client
            return shared.clients[name]


def needed() -> Any:  # noqa: ANN401
    """Return boto3, or raise UsageError that says how to get it."""
    try:
        import boto3
    except ImportError:
        msg = "publishing needs boto3"
        raise UsageError(msg, hint="pip install 'layerwright[aws]'; in a clone, `make publish` gets it") from None
    return boto3


def _paced(client: Any, pace: Pace) -> None:  # noqa: ANN401
    """Let every request wait for its turn, those that botocore sends again as well."""
    client.meta.events.register("before-send.lambda", partial(wait_turn, pace))
    client.meta.events.register("response-received.lambda", partial(listen, pace))


def wait_turn(pace: Pace, **_: Any) -> None:  # noqa: ANN401  botocore's events
    """Wait before a request is sent."""
    pace.wait()


def listen(pace: Pace, response_dict: dict[str, Any] | None = None, **_: Any) -> None:  # noqa: ANN401
    """Hear whether a region complains of an answer's request."""
    if response_dict and response_dict.get("status_code") == 429:  # noqa: PLR2004  too many requests
        pace.complain()


# ---- errors --------------------------------------------------------------------------------------------------------


class ExpiredError(PublishError):
    """The credentials ended in the middle of the work."""


class NotEnabledError(UsageError):
    """A region does not know the account: it must be enabled there first."""


class MissingError(UsageError):
    """What was asked for is not there."""


def faults() -> tuple[type[Exception], ...]:
    """Return what boto3 raises when something goes wrong out there."""
    from boto3.exceptions import Boto3Error
    from botocore.exceptions import BotoCoreError, ClientError
    from botocore.parsers import ResponseParserError

    return (ClientError, BotoCoreError, Boto3Error, ResponseParserError, OSError)


def code(error: Exception) -> str:
    """Return the code of an answer that is an error, or an empty string."""
    response = getattr(error, "response", None)
    return str(response.get("Error", {}).get("Code", "")) if isinstance(response, dict) else ""


def throttled(error: Exception) -> bool:
    """Tell whether a request was refused, and not executed, because there were too many."""
    return code(error) in _THROTTLED


def unsure(error: Exception) -> bool:
    """Tell whether a request may have been executed though its answer is an error, or lost."""
    from botocore.exceptions import ClientError, HTTPClientError
    from botocore.parsers import ResponseParserError

    if isinstance(error, ClientError):
        return int(error.response.get("ResponseMetadata", {}).get("HTTPStatusCode", 0)) >= _SERVER
    return isinstance(error, (HTTPClientError, ResponseParserError, OSError)) and not unsent(error)


def unsent(error: Exception) -> bool:
    """Tell whether a request did not even arrive."""
    from botocore.exceptions import ConnectTimeoutError, EndpointConnectionError, ProxyConnectionError

    return isinstance(error, (EndpointConnectionError, ConnectTimeoutError, ProxyConnectionError))


@contextmanager
def told(what: str) -> Iterator[None]:
    """Turn boto3's errors into ours; what is secret is in none of their texts."""
    try:
        yield
    except LayerwrightError:
        raise
    except faults() as error:
        raise _translated(what, error) from error


def _translated(what: str, error: Exception) -> LayerwrightError:
    from botocore.exceptions import ClientError, HTTPClientError, NoCredentialsError, PartialCredentialsError

    found, why = code(error), [str(error)]
    kinds: tuple[tuple[bool, Callable[..., LayerwrightError], str], ...] = (
        (isinstance(error, (NoCredentialsError, PartialCredentialsError)), UsageError, _CREDENTIALS),
        (found in _EXPIRED, ExpiredError, _EXPIRED_HINT),
        (found in _UNKNOWN_HERE, NotEnabledError, _ENABLE),
        (found in _DENIED, UsageError, "`layerwright publish --print-policy` prints what is needed"),
        (found in _MISSING, MissingError, ""),
        (throttled(error), UnreachableError, "somebody else asks this region as well; try again later"),
        (
            unsent(error) or isinstance(error, (HTTPClientError, OSError)),
            UnreachableError,
            _NETWORK,
        ),
        (isinstance(error, ClientError) and unsure(error), UnreachableError, "try again later"),
    )
    for fits, kind, hint in kinds:
        if fits:
            return kind(what, why=why, hint=hint or None)
    return UsageError(what, why=why)


_CREDENTIALS = "boto3's chain has none: AWS_PROFILE, AWS_ACCESS_KEY_ID, `aws sso login`, or the role of the machine"
_NETWORK = "is the network there? HTTPS_PROXY behind a proxy, SSL_CERT_FILE for a company's CA"
_EXPIRED_HINT = "get new credentials and call again; `layerwright publish --resume` goes on where it was"
_ENABLE = "is the region enabled for the account? `aws account list-regions` tells; else the credentials are wrong"
