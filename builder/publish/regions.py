"""AWS regions and partitions, from the data of botocore."""

from collections.abc import Sequence
from functools import lru_cache
from typing import Any

from builder.base.errors import UsageError, near

ALL = "all"
_SERVICE = "lambda"
_HOME = "us-east-1"


@lru_cache(maxsize=1)
def with_lambda(session: Any) -> dict[str, str]:  # noqa: ANN401  boto3 creates its classes at run time
    """Return the partition of every region that has Lambda."""
    return {
        region: partition
        for partition in session.get_available_partitions()
        for region in session.get_available_regions(_SERVICE, partition_name=partition)
    }


def check(session: Any, texts: Sequence[str]) -> None:  # noqa: ANN401
    """Raise UsageError with all unknown regions, or if the regions belong to several partitions."""
    partitions = with_lambda(session)
    regions = [text for text in dict.fromkeys(texts) if text != ALL]
    unknown = [
        f"`{region}` is not a region with Lambda{near(region, partitions)}"
        for region in regions
        if region not in partitions
    ]
    if unknown:
        msg = "unknown region"
        hint = "newer versions of botocore know more regions: pip install --upgrade 'layerwright[aws]'"
        raise UsageError(msg, why=unknown, hint=hint)
    several = {partitions[region] for region in regions}
    if len(several) > 1:
        msg = f"the regions belong to several partitions: {', '.join(sorted(several))}"
        raise UsageError(msg, hint="an account belongs to one partition: publish to each with its own credentials")


def first(session: Any, texts: Sequence[str]) -> str:  # noqa: ANN401
    """Return a region of the selected partition, in which to identify the credentials."""
    regions = [text for text in texts if text != ALL]
    return regions[0] if regions else session.region_name or _HOME


def expand(session: Any, texts: Sequence[str], partition: str) -> tuple[str, ...]:  # noqa: ANN401
    """Return the regions in the given order, with `all` replaced by the regions of the account's partition.

    Raises UsageError if a region belongs to another partition.
    """
    partitions = with_lambda(session)
    foreign = [text for text in texts if text != ALL and partitions[text] != partition]
    if foreign:
        of = partitions[foreign[0]]
        msg = f"the credentials are for partition {partition}; {', '.join(foreign)} belongs to {of}"
        raise UsageError(msg, hint="select other credentials with AWS_PROFILE or --profile")
    every = [region for region, its_partition in partitions.items() if its_partition == partition]
    return tuple(dict.fromkeys(region for text in texts for region in (every if text == ALL else [text])))
