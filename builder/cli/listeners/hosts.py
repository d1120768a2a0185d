"""Code hosts whose logs fold: how each marks a group of lines, and how it is recognized."""

import re
from collections.abc import Callable, Mapping

from builder.base import foreign
from builder.base.errors import Fault
from builder.base.frozen import dataclass


@dataclass(frozen=True, kw_only=True, slots=True)
class CodeHost:
    """The marks of a code host."""

    variable: str
    """The environment variable that its jobs have."""
    begin: Callable[[str, int, int], str]
    """Called with the title, the number of the group and the time in seconds since 1970."""
    end: Callable[[str, int, int], str] | None
    """None if a group ends where the next one begins."""
    commands: re.Pattern[str] | None = None
    """What the host takes for a command wherever a line has it. Steps must not give commands to the host."""
    stop: Callable[[str], str] | None = None
    """Called with a token that nobody can guess: from this line on, the host takes nothing for a command."""
    resume: Callable[[str], str] | None = None
    annotate: Callable[[Fault], str] | None = None
    """Returns the command that shows a mistake beside its line, where the host can."""

    def neutral(self, text: str) -> str:
        """Return lines without commands to the host."""
        return self.commands.sub(_broken, text) if self.commands else text


def _broken(found: "re.Match[str]") -> str:
    """Return a command with a blank after its first character."""
    before = len(found[0]) - len(found[0].lstrip()) + 1
    return f"{found[0][:before]} {found[0][before:]}"


def _github(text: str) -> str:
    return text.replace("%", "%25").replace("\r", "%0D").replace("\n", "%0A")


def _github_error(fault: Fault) -> str:
    """Return GitHub's command (its documentation, "Workflow commands", "Setting an error message")."""
    file = _github(fault.file).replace(":", "%3A").replace(",", "%2C")
    return f"::error file={file},line={fault.line},col={fault.column}::{_github(_said(fault))}"


def _azure_error(fault: Fault) -> str:
    """Return the command of Azure Pipelines (its documentation, "Logging commands", "LogIssue")."""
    place = f"sourcepath={_azure(fault.file)};linenumber={fault.line};columnnumber={fault.column}"
    return f"##vso[task.logissue type=error;{place};]{_azure(_said(fault))}"


def _azure(text: str) -> str:
    escaped = text.replace("%", "%AZP25").replace("\r", "%0D").replace("\n", "%0A")
    return escaped.replace("]", "%5D").replace(";", "%3B")


def _said(fault: Fault) -> str:
    return foreign.line(f"{fault.key}: {fault.text}" if fault.key else fault.text)


def _teamcity(text: str) -> str:
    escaped = re.sub(r"(['|\[\]])", r"|\1", text)
    return escaped.replace("\n", "|n").replace("\r", "|r")


HOSTS = (
    CodeHost(
        variable="GITHUB_ACTIONS",
        begin=lambda title, _number, _time: f"::group::{_github(title)}",
        end=lambda _title, _number, _time: "::endgroup::",
        commands=re.compile(r"##\[|^\s*::|::(?=[a-z-]+(?: [^:]*)?::)", re.MULTILINE),
        stop=lambda token: f"::stop-commands::{token}",
        resume=lambda token: f"::{token}::",
        annotate=_github_error,
    ),
    CodeHost(
        variable="GITLAB_CI",
        begin=lambda title, number, time: f"\x1b[0Ksection_start:{time}:layerwright_{number}\r\x1b[0K{title}",
        end=lambda _title, number, time: f"\x1b[0Ksection_end:{time}:layerwright_{number}\r\x1b[0K",
        commands=re.compile(r"section_(?:start|end):"),
    ),
    CodeHost(
        variable="TF_BUILD",
        begin=lambda title, _number, _time: f"##[group]{title}",
        end=lambda _title, _number, _time: "##[endgroup]",
        commands=re.compile(r"##(?:\[|vso\[)"),
        annotate=_azure_error,
    ),
    CodeHost(
        variable="BUILDKITE",
        begin=lambda title, _number, _time: f"--- {title}",
        end=None,
        commands=re.compile(r"^(?:---|\+\+\+|~~~|\^\^\^) ", re.MULTILINE),
    ),
    CodeHost(
        variable="TEAMCITY_VERSION",
        begin=lambda title, _number, _time: f"##teamcity[blockOpened name='{_teamcity(title)}']",
        end=lambda title, _number, _time: f"##teamcity[blockClosed name='{_teamcity(title)}']",
        commands=re.compile(r"##teamcity\["),
    ),
)


def detect(environment: Mapping[str, str]) -> CodeHost | None:
    """Return the code host of this job; None elsewhere, and on hosts whose logs do not fold."""
    return next((host for host in HOSTS if environment.get(host.variable)), None)
