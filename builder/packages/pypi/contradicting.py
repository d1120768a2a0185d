"""Which of several projects asks for what, where their requirements contradict each other."""

import re
from collections.abc import Iterator, Sequence

from builder.base import credentials
from builder.packages.projects import ProjectRequest
from builder.packages.pypi import requirements_file
from builder.packages.pypi.names import of_line


def asked(projects: Sequence[ProjectRequest], told: Sequence[str]) -> Iterator[str]:
    """Yield what each project asks for of the packages that a message of uv names; nothing for a single one."""
    text = " ".join(told)
    for project in projects if len(projects) > 1 else ():
        lines = [re.split(r"\s--hash=", line)[0] for line in requirements_file.read((), (), [project]).requirements]
        named = [line for line in lines if re.search(rf"(?<![\w.-]){re.escape(of_line(line))}(?![\w.-])", text)]
        if named:
            yield f"{project.folder.as_posix()} asks for {credentials.redact(', '.join(named))}"
