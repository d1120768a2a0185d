"""A plugin of dnf that runs ldconfig after a transaction, as glibc's trigger does: these RPMs have no scripts."""

import subprocess

import dnf  # type: ignore[import-not-found]  # in the image


class Ldconfig(dnf.Plugin):  # type: ignore[misc]
    """Refresh the loader's cache."""

    name = "ldconfig"

    def transaction(self) -> None:
        subprocess.run(["/usr/sbin/ldconfig"], check=False)
