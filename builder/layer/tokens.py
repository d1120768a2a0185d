"""Patterns of keys, tokens and passwords in files."""

import re

SCANNED = 1 << 20
"""Bytes. Larger files are not scanned: secrets are in small files."""
_CODE = (b"\x7fELF", b"PK\x03\x04", b"\x1f\x8b")
_BINARY = (".pyc", ".so", ".jar", ".png", ".gz", ".zip", ".npy", ".pdf", ".ttf")
_ADDRESS = "a password in an address"
_TESTS = re.compile(
    r"^(?:python|nodejs|ruby)/(?:.*/)?(?:(?:tests?|__tests__|specs?|testing)/|[^/]*[._-](?:test|spec)s?\.\w+$|test_[^/]*$)"
)
_PATTERNS = {
    what: (re.compile(clue), re.compile(pattern))
    for what, clue, pattern in (
        ("an AWS access key", rb"A(?:KI|SI)A", rb"(?<![A-Za-z0-9+/])(?:AKIA|ASIA)[A-Z0-9]{16}(?![A-Za-z0-9+/])"),
        ("a GitHub token", rb"gh[pousr]_", rb"(?<![A-Za-z0-9_])gh[pousr]_[A-Za-z0-9]{36}(?![A-Za-z0-9])"),
        ("an npm token", rb"npm_", rb"(?<![A-Za-z0-9_])npm_[A-Za-z0-9]{36}(?![A-Za-z0-9])"),
        ("a PyPI token", rb"pypi-AgEI", rb"pypi-AgEIcHlwaS5vcmc[A-Za-z0-9_-]{50,}"),
        ("a Slack token", rb"xox", rb"xox[bpars]-[0-9]{10,}-[0-9A-Za-z-]{20,}"),
        (
            "a private key",
            rb"PRIVATE KEY-----",
            rb"-----BEGIN (?:RSA |EC |OPENSSH |DSA )?PRIVATE KEY-----\s+[A-Za-z0-9+/=]{40,}",
        ),
        (
            _ADDRESS,
            rb"@",
            rb"://[A-Za-z0-9._-]{1,40}:(?![{$<%*])[^\s:@/'\"<>{}\\]{6,80}@[a-z0-9-]+\.[a-z0-9.-]+",
        ),
    )
}
"""Each pattern behind one that is in all of its matches, begins with plain bytes, and so is searched much faster."""
_EXAMPLES = re.compile(rb"example|localhost|passw|secret|user:|username|test|foo|1234|xxxx|abc", re.IGNORECASE)


def may_hold(name: str, size: int) -> bool:
    """Tell from name and size whether a file is scanned for secrets."""
    return 0 < size <= SCANNED and not name.endswith(_BINARY)


def token(data: bytes, path: str) -> str | None:
    """Return the kind of the first secret in a file, or None. Passwords in tests of packages are invented."""
    if data[:4].startswith(_CODE):
        return None
    invented = {_ADDRESS} if _TESTS.search(path) else set[str]()
    for what, (clue, pattern) in _PATTERNS.items():
        if clue.search(data) is None or what in invented:
            continue
        if not all(_EXAMPLES.search(match[0]) for match in pattern.finditer(data)):
            return what
    return None
