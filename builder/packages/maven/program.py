"""Runs of Maven: the program, its command line, and what of the environment and the disk it may read.

Maven reads the user's settings.xml (mirrors, proxies, credentials), and of MAVEN_OPTS what concerns connections and
memory. It reads nothing of a project: a folder `.mvn` of its own keeps it from looking for one in the folders above,
whose files name options, extensions and JVM agents.
"""

import os
import re
import shutil
from collections.abc import Sequence
from pathlib import Path

from builder.base import processes
from builder.base.errors import UsageError

_OPTIONS = re.compile(
    r"-D(?:javax\.net\.ssl|https?\.(?:proxy|nonProxy)|ftp\.|socks|java\.net\.|jdk\.(?:http|tls)|user\.home=|maven\.wagon\."
    r"|maven\.resolver\.transport=|aether\.connector\.)[^\s]*|-X(?:mx|ms|ss)\d+[kKmMgG]?|-XX:(?:[+-]\w+|\w+=\d+[kKmMgG]?)"
)
"""What is handed on of MAVEN_OPTS. Others start agents, or put programs before Maven's own."""
_KEPT = frozenset({"MAVEN_HOME", "MAVEN_SKIP_RC"})
_FOR_CMD = re.compile(r"[^ \t]*[&^][^ \t]*|.*%.*")
"""Arguments that cmd.exe would take apart: those with blanks are quoted, but `%` is read in quotes as well."""


def run(folder: Path, arguments: Sequence[str], repository: Path) -> processes.Finished:
    """Run Maven in a folder that is not a project's, with a local repository. Raises UsageError without Maven."""
    program = shutil.which("mvn")
    if program is None:
        msg = "Maven is not installed; it downloads the jars of a layer"
        raise UsageError(msg, hint="`apt install maven`, `brew install maven` or `choco install maven`")
    (folder / ".mvn").mkdir(exist_ok=True)
    if program.lower().endswith(".cmd"):  # which Windows runs with cmd.exe
        _refuse_for_cmd([*arguments, str(repository)])
    command = [
        *(program, "--batch-mode", "--strict-checksums", "--update-snapshots", "--no-transfer-progress"),
        *("-Dstyle.color=never", f"-Dmaven.repo.local={repository}"),
        *arguments,
    ]
    # --strict-checksums: otherwise Maven only warns of a file that is not what its repository announces.
    # --update-snapshots: otherwise Maven caches for a day that an artifact is missing.
    return processes.run(command, cwd=folder, env=environment())


def _refuse_for_cmd(words: Sequence[str]) -> None:
    if wrong := [word for word in words if _FOR_CMD.fullmatch(word)]:
        msg = "Maven for Windows cannot be given paths with `&`, `^` or `%`"
        raise UsageError(msg, why=wrong, hint="LAYERWRIGHT_CACHE moves the cache to another folder")


def environment() -> dict[str, str]:
    """Return the environment of Maven: without options that start other programs, or find a project."""
    env = {name: value for name, value in os.environ.items() if not name.startswith("MAVEN_") or name in _KEPT}
    options = [word for word in os.environ.get("MAVEN_OPTS", "").split() if _OPTIONS.fullmatch(word)]
    return {**env, "MAVEN_OPTS": " ".join(options)} if options else env
