"""Print the SHA-256 of each zip in a folder, by name: what must be the same on every host."""

import hashlib
import sys
from pathlib import Path

for path in sorted(Path(sys.argv[1]).glob("*.zip")):
    sys.stdout.write(f"{hashlib.sha256(path.read_bytes()).hexdigest()}  {path.name}\n")
