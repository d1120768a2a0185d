"""The time of day, for display only: no decision depends on it, since clocks jump."""

import datetime as dt


def now() -> str:
    """Return the time in UTC as ISO 8601, in seconds."""
    return dt.datetime.now(tz=dt.timezone.utc).isoformat(timespec="seconds")
