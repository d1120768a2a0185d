"""Options of one test, given on the command line instead of in a recipe."""

import json
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from builder.base.errors import UsageError
from builder.cli import options

if TYPE_CHECKING:
    from builder.model.recipe import Invoke, Test

_LANGUAGES = {"python": "Python", "node": "Node.js", "ruby": "Ruby", "java": "Java"}
_KINDS = (*_LANGUAGES, "shell", "files")


@dataclass(frozen=True, kw_only=True, slots=True)
class SmokeTestOptions:
    """One test: code, files, or a function that is invoked."""

    python: str | None
    node: str | None
    ruby: str | None
    java: str | None
    shell: str | None
    files: tuple[str, ...]
    handler: str | None
    code: Path | None
    event: str
    response: str | None
    memory: int
    """MB."""
    limit: int
    """Seconds."""

    def test(self) -> "Test | None":
        """Return the test as a recipe has it; None without one. Raises UsageError for two kinds, or for bad JSON."""
        from builder.model.recipe import Test

        kinds = {name: getattr(self, name) for name in _KINDS if getattr(self, name)}
        if len(kinds) + bool(self.handler) > 1:
            msg = f"one test at a time, not {' and '.join([*kinds, *(['a handler'] if self.handler else [])])}"
            raise UsageError(msg)
        if kinds:
            return Test(**kinds, memory=self.memory, timeout=self.limit)
        return Test(invoke=self._invocation(), memory=self.memory, timeout=self.limit) if self.handler else None

    def _invocation(self) -> "Invoke":
        from builder.model.recipe import Invoke

        response = _parsed("--response", self.response) if self.response else None
        return Invoke(
            handler=self.handler or "",
            code=self.code.read_text(encoding="utf-8") if self.code else None,
            event=_parsed("--event", self.event),
            response=response,
            log=None if response is not None else "REPORT",
        )


def _parsed(option: str, text: str) -> Any:  # noqa: ANN401
    try:
        return json.loads(text)
    except ValueError as error:
        msg = f"{option} is not valid JSON: {error}"
        raise UsageError(msg, hint="quote it for your shell: '{\"key\": 1}'") from None


_code = options.together(
    *(
        click.option(f"--{name}", metavar="CODE", help=f"{title} code to run in the runtime's image.")
        for name, title in _LANGUAGES.items()
    ),
    click.option("--shell", metavar="CODE", help="Shell script to run with sh."),
    click.option(
        "--files", multiple=True, metavar="PATH", help="File or folder below /opt that must exist; repeatable."
    ),
)
_function = options.together(
    click.option(
        "--handler",
        metavar="NAME",
        help="Handler of a function to invoke through Lambda's runtime interface emulator, for example app.handler.",
    ),
    click.option(
        "--code",
        type=click.Path(path_type=Path, dir_okay=False, exists=True),
        metavar="FILE",
        help="With --handler: source file of the function.",
    ),
    click.option(
        "--event", default="{}", show_default=True, metavar="JSON", help="With --handler: event of the invocation."
    ),
    click.option(
        "--response", metavar="JSON", help="With --handler: response that is required. Default: any without an error."
    ),
)
_limits = options.together(
    click.option(
        "--memory",
        type=click.IntRange(128, 10240),
        default=1024,
        show_default=True,
        metavar="MB",
        help="Memory of the function, in MB.",
    ),
    click.option(
        "--timeout",
        "limit",
        type=click.IntRange(1, 900),
        default=300,
        show_default=True,
        metavar="SECONDS",
        help="Time limit of one test, in seconds.",
    ),
)


def smoke_test_options(function: options.F) -> options.F:
    """Add the options of one test; the command receives them as `smoke_test`."""
    return options.together(_code, _function, _limits)(options.bundled(function, "smoke_test", SmokeTestOptions))
