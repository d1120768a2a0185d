"""A plugin of dnf that does after a transaction what scripts of Amazon's packages do: these RPMs have none."""

import subprocess
from pathlib import Path

import dnf  # type: ignore[import-not-found]  # in the image


class Triggers(dnf.Plugin):  # type: ignore[misc]
    """Refresh the loader's cache, and Graphviz' list of its plug-ins."""

    name = "triggers"

    def transaction(self) -> None:
        subprocess.run(["/usr/sbin/ldconfig"], check=False)
        dot = Path("/usr/bin/dot")
        if dot.exists():
            subprocess.run([str(dot), "-c"], check=False)
