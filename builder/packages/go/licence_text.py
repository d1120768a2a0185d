"""Which license a text is: only where it unmistakably is one of those that nearly all Go modules have.

A Go module declares no license; its text is all that there is. A text with words of two licenses, or with much more
than one's words, gets no name: whoever reads NOASSERTION looks into it.
"""

import re

_WORD = re.compile(r"[a-z0-9]+(?:\.[0-9]+)*")
_BSD = (
    "redistribution and use in source and binary forms with or without modification are permitted provided that the"
    " following conditions are met"
)
_PHRASES = {
    "MIT": (
        "permission is hereby granted free of charge to any person obtaining a copy of this software",
        "and associated documentation files",
        "the software is provided as is without warranty of any kind",
    ),
    "ISC": (
        "this software for any purpose with or without fee is hereby granted",
        "provided that the above copyright notice and this permission notice appear in all copies",
        "the software is provided as is and the author disclaims all warranties",
    ),
    "BSD-2-Clause": (_BSD, "redistributions in binary form must reproduce the above copyright notice"),
    "Apache-2.0": (
        "apache license version 2.0 january 2004",
        "terms and conditions for use reproduction and distribution",
        "grant of patent license",
    ),
    "MPL-2.0": ("mozilla public license version 2.0", "incompatible with secondary licenses"),
}
_LONGEST = {"MIT": 250, "ISC": 200, "BSD-2-Clause": 350, "Apache-2.0": 2000, "MPL-2.0": 3000}
"""Words, of which each license has some less: a text with more of them says something else as well."""
_ENDORSE = "endorse or promote products derived from this software without specific prior written permission"
_OTHER = ("all advertising materials", "gnu general public license", "gnu lesser general public license", "gnu affero")
_NAMED = {"MPL-2.0", "Apache-2.0"}
"""Licenses that name others in their own text."""


def name(text: str) -> str:
    """Return the SPDX identifier of a text, or an empty string."""
    words = _WORD.findall(text.lower())
    plain = " ".join(words)
    found = [kind for kind, phrases in _PHRASES.items() if all(phrase in plain for phrase in phrases)]
    if len(found) != 1 or len(words) > _LONGEST[found[0]]:
        return ""
    if found[0] not in _NAMED and any(phrase in plain for phrase in _OTHER):
        return ""
    if found[0] == "BSD-2-Clause" and "endorse or promote" in plain:
        return "BSD-3-Clause" if _ENDORSE in plain else ""
    return found[0]
