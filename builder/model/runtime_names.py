"""Names of runtimes as other tools write them: `3.13`, `py3.13`, `cp313` and `python313` are Lambda's `python3.13`."""

import re

from builder.model import runtimes

_FORMS = (
    (r"(?:python|py|cp)?[-_ ]?(\d)\.(\d{1,2})(?:\.\d+)?", "python{}.{}"),
    (r"(?:python|py|cp)[-_ ]?(\d)(\d{1,2})", "python{}.{}"),
    (r"(?:nodejs|node)[-_ ]?v?(\d{2})(?:\.(?:x|\d+))*", "nodejs{}.x"),
    (r"(\d{2})\.x", "nodejs{}.x"),
    (r"(?:ruby|rb)[-_ ]?(\d)\.?(\d)(?:\.\d+)?", "ruby{}.{}"),
    (r"(?:java|jdk|openjdk|corretto)[-_ ]?(\d{1,2})", "java{}"),
    (r"(?:dotnet|net)[-_ ]?(\d{1,2})(?:\.0)?", "dotnet{}"),
    (r"(?:provided[-_. ]?|amazonlinux[-_: ]?|al)(?:al)?(2|2023)", "provided.al{}"),
)


def canonical(name: str) -> str:
    """Return Lambda's name of a runtime. A text that is nobody's name of one is returned as it is.

    A name of the project's own runtime, and one of a retired runtime, are Lambda's names here.
    """
    if name in runtimes.of_lambda():
        return name
    known = {**runtimes.runtimes(), **runtimes.retired()}
    if name in known:
        return name
    found = (
        form.format(*match.groups())
        for pattern, form in _FORMS
        if (match := re.fullmatch(pattern, name, re.IGNORECASE))
    )
    return next((each for each in found if each in known), name)
