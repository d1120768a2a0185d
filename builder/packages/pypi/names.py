"""Names and versions of Python packages, as PyPA specifies them."""

import re
from typing import Annotated

from builder.base.values import stored

NAME = re.compile(r"[A-Za-z0-9](?:[A-Za-z0-9._-]*[A-Za-z0-9])?")
"""PyPA's specification of names (core metadata, "Name")."""
VERSION = re.compile(r"[A-Za-z0-9][A-Za-z0-9.+!_-]*")
StoredName = Annotated[str, stored(NAME, "a valid name of a Python package")]
StoredVersion = Annotated[str, stored(VERSION, "a valid version of a Python package")]
