"""Node.js packages, installed by npm. Their scripts never run on the host."""

LOCK = "package-lock.json"
