"""Access to AWS through boto3: one rate-limited client per region and service, and translation of errors."""

import dataclasses
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import field
from functools import partial
from typing import Any

from builder import __version__
from builder.base.errors import LayerwrightError, PublishError, UnreachableError, UsageError
from builder.base.frozen import dataclass
from builder.publish.pace import RATE, Pace

_THROTTLED = {"TooManyRequestsException", "ThrottlingException", "Throttling", "RequestLimitExceeded", "SlowDown"}
_EXPIRED = {"ExpiredTokenException", "ExpiredToken", "RequestExpired", "TokenRefreshRequired"}
_UNKNOWN_HERE = {"UnrecognizedClientException", "InvalidClientTokenId", "AuthFailure", "InvalidAccessKeyId"}
_DENIED = {"AccessDeniedException", "AccessDenied", "403"}
_MISSING = {"ResourceNotFoundException", "ParameterNotFound", "NoSuchKey", "404"}
_SERVER = 500


@dataclass(frozen=True, kw_only=True, slots=True)
class RequestLimits:
    """Rates, timeouts and numbers of attempts."""

    rate: float = RATE
    """Requests per second and region."""
    attempts: int = 8
    read_timeout: float = 60.0
    """Seconds."""
    upload_timeout: float = 300.0
    """Seconds for the upload of a zip and the answer."""
    settle: tuple[float, ...] = (1.0, 3.0, 10.0)
    """Seconds before each check for a version whose answer was lost."""
    backoff: float = 1.0
    """Seconds before the first retry of a throttled publish; doubled for each further retry."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Identity:
    """The identity of the credentials."""

    account: str
    partition: str
    arn: str


@dataclasses.dataclass(slots=True)
class _RegionClients:
    """Rate limit and clients of one region, shared by all threads."""

    pace: Pace
    clients: dict[str, Any] = field(default_factory=dict)


class Cloud:
    """AWS with the credentials of boto3's default chain. Safe for threads."""

    def __init__(self, profile: str | None = None, limits: RequestLimits | None = None) -> None:
        boto3 = needed()
        from botocore.exceptions import ProfileNotFound

        try:
            self.session = boto3.Session(profile_name=profile)
        except ProfileNotFound as error:
            msg = f"profile `{profile}` not found" if profile else str(error)
            raise UsageError(msg, hint="list the profiles with `aws configure list-profiles`") from None
        self.limits = limits or RequestLimits()
        self._lock = threading.Lock()
        self._regions: dict[str, _RegionClients] = {}

    def identity(self, region: str) -> Identity:
        """Return the identity of the credentials. Raises UsageError if there are none or the service is unreachable."""
        with translating(f"{region}: cannot identify the account"):
            answer = self._client("sts", region).get_caller_identity()
        partition = self.session.get_partition_for_region(region)
        return Identity(account=answer["Account"], partition=partition, arn=answer["Arn"])

    def functions(self, region: str) -> Any:  # noqa: ANN401  boto3 creates its classes at run time
        """Return the Lambda client for idempotent requests, with retries."""
        return self._client("lambda", region)

    def publisher(self, region: str) -> Any:  # noqa: ANN401
        """Return the Lambda client for PublishLayerVersion. No retries: each request creates a version."""
        return self._client("lambda", region, once=True)

    def storage(self, region: str) -> Any:  # noqa: ANN401
        return self._client("s3", region)

    def parameters(self, region: str) -> Any:  # noqa: ANN401
        return self._client("ssm", region)

    def _client(self, service: str, region: str, *, once: bool = False) -> Any:  # noqa: ANN401
        from botocore.config import Config

        with self._lock:  # unlike its clients, a session is not safe for threads
            shared = self._regions.setdefault(region, _RegionClients(pace=Pace(self.limits.rate)))
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
                    client.can_paginate("list_layers")  # loads the paginators once, not in each thread
                shared.clients[name] = client
            return shared.clients[name]


def needed() -> Any:  # noqa: ANN401
    """Return boto3. Raises UsageError with the installation command if it is missing."""
    try:
        import boto3
    except ImportError:
        msg = "publishing needs boto3"
        raise UsageError(msg, hint="pip install 'layerwright[aws]'; in a clone, `make publish` installs it") from None
    return boto3


def _paced(client: Any, pace: Pace) -> None:  # noqa: ANN401
    """Limit the rate of all requests of a client, including the retries of botocore."""
    client.meta.events.register("before-send.lambda", partial(before_send, pace))
    client.meta.events.register("response-received.lambda", partial(on_response, pace))


def before_send(pace: Pace, **_: Any) -> None:  # noqa: ANN401  an event of botocore
    """Wait for the turn of a request."""
    pace.wait()


def on_response(pace: Pace, response_dict: dict[str, Any] | None = None, **_: Any) -> None:  # noqa: ANN401
    """Reduce the rate if the region throttled the request."""
    if response_dict and response_dict.get("status_code") == 429:  # noqa: PLR2004  Too Many Requests
        pace.slow_down()


# ---- errors --------------------------------------------------------------------------------------------------------


class ExpiredError(PublishError):
    """The credentials expired during an operation."""


class NotEnabledError(UsageError):
    """The region is not enabled for the account, or the credentials are invalid."""


class MissingError(UsageError):
    """The requested resource does not exist."""


def faults() -> tuple[type[Exception], ...]:
    """Return the exceptions of boto3 for failed requests."""
    from boto3.exceptions import Boto3Error
    from botocore.exceptions import BotoCoreError, ClientError
    from botocore.parsers import ResponseParserError

    return (ClientError, BotoCoreError, Boto3Error, ResponseParserError, OSError)


def code(error: Exception) -> str:
    """Return the error code of an answer, or an empty string."""
    response = getattr(error, "response", None)
    return str(response.get("Error", {}).get("Code", "")) if isinstance(response, dict) else ""


def throttled(error: Exception) -> bool:
    """Tell whether a request was throttled, and therefore not executed."""
    return code(error) in _THROTTLED


def unsure(error: Exception) -> bool:
    """Tell whether a request may have been executed although its answer is an error, or was lost."""
    from botocore.exceptions import ClientError, HTTPClientError
    from botocore.parsers import ResponseParserError

    if isinstance(error, ClientError):
        return int(error.response.get("ResponseMetadata", {}).get("HTTPStatusCode", 0)) >= _SERVER
    return isinstance(error, (HTTPClientError, ResponseParserError, OSError)) and not unsent(error)


def unsent(error: Exception) -> bool:
    """Tell whether a request was never sent."""
    from botocore.exceptions import ConnectTimeoutError, EndpointConnectionError, ProxyConnectionError

    return isinstance(error, (EndpointConnectionError, ConnectTimeoutError, ProxyConnectionError))


@contextmanager
def translating(what: str) -> Iterator[None]:
    """Translate exceptions of boto3 into LayerwrightError with the message `what`. Their texts contain no secrets."""
    try:
        yield
    except LayerwrightError:
        raise
    except faults() as error:
        raise _translated(what, error) from error


def _translated(what: str, error: Exception) -> LayerwrightError:
    from botocore.exceptions import ClientError, HTTPClientError, NoCredentialsError, PartialCredentialsError

    error_code, why = code(error), [str(error)]
    kinds: tuple[tuple[bool, Callable[..., LayerwrightError], str], ...] = (
        (isinstance(error, (NoCredentialsError, PartialCredentialsError)), UsageError, _CREDENTIALS),
        (error_code in _EXPIRED, ExpiredError, _EXPIRED_HINT),
        (error_code in _UNKNOWN_HERE, NotEnabledError, _ENABLE),
        (error_code in _DENIED, UsageError, "print the required IAM policy with `layerwright publish --print-policy`"),
        (error_code in _MISSING, MissingError, ""),
        (throttled(error), UnreachableError, "other clients share the request quota; retry later"),
        (unsent(error) or isinstance(error, (HTTPClientError, OSError)), UnreachableError, _NETWORK),
        (isinstance(error, ClientError) and unsure(error), UnreachableError, "retry later"),
    )
    for fits, kind, hint in kinds:
        if fits:
            return kind(what, why=why, hint=hint or None)
    return UsageError(what, why=why)


_CREDENTIALS = "set AWS_PROFILE or AWS_ACCESS_KEY_ID, run `aws sso login`, or use the role of the machine"
_NETWORK = "check the network connection; set HTTPS_PROXY behind a proxy, SSL_CERT_FILE for a private CA"
_EXPIRED_HINT = "renew the credentials and repeat the command; `layerwright publish --resume` continues a publish"
_ENABLE = "check that the region is enabled (`aws account list-regions`) and that the credentials are valid"
