"""Whether the packages that a uv.lock leaves out as too new are those that its project leaves out: `exclude-newer`.

It is a point in time, a day in the time zone of the host that locked, or a span before now, which uv repeats as such.
"""

import re
from collections.abc import Mapping
from datetime import date, datetime, time, timedelta, timezone

from packaging.utils import canonicalize_name

_DAY = re.compile(r"(\d{4})-?(\d\d)-?(\d\d)")
_ISO = re.compile(r"[-+]?P(?=[\dT])(?:\d+W)?(?:\d+D)?(?:T(?:\d+H)?(?:\d+M)?(?:\d+S)?)?", re.IGNORECASE)
_PARTS = re.compile(r"(\d+)\s*(w|d|h|m|s)", re.IGNORECASE)
_FRIENDLY = re.compile(
    r"[-+]?(?:\d+\s*(?:w|weeks?|d|days?|h|hours?|hrs?|m|minutes?|mins?|s|seconds?|secs?)[\s,]*)+(?:ago)?", re.IGNORECASE
)
_UNITS = {"w": "weeks", "d": "days", "h": "hours", "m": "minutes", "s": "seconds"}
_ZONES = timedelta(hours=14)
"""The most that a time zone differs from UTC."""


def is_same(given: object, locked: object) -> bool:
    """Tell whether a value of the project is that of its lock; also if it is written in a way that is not known."""
    if isinstance(given, bool) or isinstance(locked, bool) or locked is None:
        return given is locked
    now, then = _meaning(given), _meaning(_stated(locked))
    if now is None or then is None:
        return True
    if isinstance(now, date) and not isinstance(now, datetime):
        end = datetime.combine(now, time(), timezone.utc) + timedelta(days=1)
        return isinstance(then, datetime) and abs(then - end) <= _ZONES
    return now == then


def are_same(given: Mapping[str, object], locked: Mapping[str, object]) -> bool:
    """Tell whether the values for single packages are those of the lock."""
    now, then = ({canonicalize_name(name): value for name, value in each.items()} for each in (given, locked))
    return set(now) == set(then) and all(is_same(value, then[name]) for name, value in now.items())


def _stated(locked: object) -> object:
    """Return a value of a lock, which has a span beside a timestamp without meaning."""
    return locked.get("span", locked.get("timestamp")) if isinstance(locked, dict) else locked


def _meaning(value: object) -> date | timedelta | None:
    """Return a point in time, a day or a span; None for what is none of them."""
    if isinstance(value, date):
        return value
    text = str(value).strip()
    if day := _DAY.fullmatch(text):
        return _of_parts(*map(int, day.groups()))
    if _ISO.fullmatch(text) or _FRIENDLY.fullmatch(text):
        parts = ((int(number), _UNITS[unit.lower()]) for number, unit in _PARTS.findall(text))
        return sum((timedelta(**{unit: number}) for number, unit in parts), timedelta())
    try:
        found = datetime.fromisoformat(re.sub(r"(?:\.\d+)?[Zz]$", "+00:00", text))
    except ValueError:
        return None
    return found if found.tzinfo else None


def _of_parts(year: int, month: int, day: int) -> date | None:
    try:
        return date(year, month, day)
    except ValueError:
        return None
