"""Checks of content that should not be shared: secrets, licenses, set-user-id bits."""

import re
from collections.abc import Iterator

from builder.layer.checks.model import Subject, check
from builder.layer.findings import WARNING, Finding
from builder.layer.patterns import Matcher

_SET_ID = 0o6000
_SECRET_FILES = [
    *(".netrc", "_netrc", ".npmrc", ".pypirc", "pip.conf", "**/.aws/credentials", "id_rsa", "id_ed25519", ".env"),
]


@check(
    "setuid",
    "Lambda drops set-user-id bits: a program that needs them fails, and no other file should have them.",
)
def setuid(subject: Subject) -> Iterator[Finding]:
    for entry in subject.tree:
        if entry.link is None and entry.mode & _SET_ID:
            yield Finding(
                check="setuid",
                severity=WARNING,
                path=entry.path,
                message=f"has a set-user-id or set-group-id bit (mode {entry.mode:o})",
                hint="store it in the zip with mode 755",
            )


@check("secret", "Every account that may use a layer can read all of it, including keys and passwords.")
def secret(subject: Subject) -> Iterator[Finding]:
    names = Matcher(_SECRET_FILES)
    for entry in subject.tree:
        if entry.link is not None:
            continue
        if names.match_file(entry.path):
            message = "is a file that is meant for credentials"
        elif token := subject.tokens.get(entry.path):
            message = f"holds {token}"
        else:
            message = ""
        if message:
            yield Finding(
                check="secret",
                severity=WARNING,  # packages publish keys of their tests; only the owner can tell
                path=entry.path,
                message=message,
                hint="leave it out; pass secrets to functions through environment variables, Secrets Manager or SSM. "
                "An [[allow]] in the recipe accepts an example",
            )


_COPYLEFT = re.compile(r"(?<![A-Z])A?GPL|(?<!Lesser )(?<!Library )General Public License|Affero", re.IGNORECASE)
_MILD = re.compile(
    r"LGPL|Lesser|Library General|exception|MPL|\bor\b.*(?:MIT|BSD|Apache|LGPL)|(?:MIT|BSD|Apache).*\bor\b",
    re.IGNORECASE,
)
_RESTRICTED = re.compile(r"UNLICENSED|Proprietary|all rights reserved|non-?commercial", re.IGNORECASE)


@check("license", "Sharing a layer redistributes its packages: some licenses forbid that, or affect your own code.")
def license_(subject: Subject) -> Iterator[Finding]:
    for package in subject.packages:
        statements = list(package.statements) or ([package.license] if package.license else [])
        name = f"{package.name} {package.version}"
        if restricted := next((text for text in statements if _RESTRICTED.search(text)), None):
            problem = f"{name} is under `{restricted}`, which does not allow sharing without the owner's consent"
        elif (strong := _copyleft(statements)) and "GPL" not in subject.license.upper().replace("LGPL", ""):
            problem = f"{name} is under `{strong}`, whose terms apply to a layer that is shared"
        else:
            continue
        hint = "do not share the layer, name that license in `license` of the layer, or use another package"
        yield Finding(check="license", severity=WARNING, path=package.described, message=problem, hint=hint)


def _copyleft(licenses: list[str]) -> str | None:
    """Return a strong copyleft license, unless an alternative or an exception weakens it."""
    if any(_MILD.search(text) for text in licenses):
        return None
    return next((text for text in licenses if _COPYLEFT.search(text)), None)
