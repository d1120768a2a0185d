"""Regions and partitions, from botocore's own data."""

from collections.abc import Sequence
from functools import lru_cache
from typing import Any

from builder.base.errors import UsageError, near

ALL = "all"
_SERVICE = "lambda"
_HOME = "us-east-1"


@lru_cache(maxsize=1)
def known(session: Any) -> dict[str, str]:  # noqa: ANN401  boto3 makes its classes when it runs
    """Return every region that has Lambda, with its partition."""
    return {
        region: partition
        for partition in session.get_available_partitions()
        for region in session.get_available_regions(_SERVICE, partition_name=partition)
    }


def check(session: Any, texts: Sequence[str]) -> None:  # noqa: ANN401
    """Raise UsageError with every name that is no region, or when regions are of several partitions."""
    every = known(session)
    named = [text for text in dict.fromkeys(texts) if text != ALL]
    unknown = [f"`{text}` is no region with Lambda{near(text, every)}" for text in named if text not in every]
    if unknown:
        msg = "there is no such region"
        hint = "new regions come with newer versions of botocore: pip install --upgrade layerwright[aws]"
        raise UsageError(msg, why=unknown, hint=hint)
    partitions = {every[text] for text in named}
    if len(partitions) > 1:
        msg = f"these regions are in several partitions: {', '.join(sorted(partitions))}"
        raise UsageError(msg, hint="an account lives in one partition: publish to each with its own credentials")


def first(session: Any, texts: Sequence[str]) -> str:  # noqa: ANN401
    """Return the region that is asked whose credentials these are: one of the partition that is meant."""
    named = [text for text in texts if text != ALL]
    return named[0] if named else session.region_name or _HOME


def expand(session: Any, texts: Sequence[str], partition: str) -> tuple[str, ...]:  # noqa: ANN401
    """Return the regions that texts name, in their order; `all` stands for those of the account's partition."""
    every = known(session)
    alien = [text for text in texts if text != ALL and every[text] != partition]
    if alien:
        msg = f"the credentials are of an account in {partition}; {', '.join(alien)} is in {every[alien[0]]}"
        raise UsageError(msg, hint="AWS_PROFILE or --profile chooses other credentials")
    own = [region for region, its in every.items() if its == partition]
    found = [region for text in texts for region in (own if text == ALL else [text])]
    return tuple(dict.fromkeys(found))
