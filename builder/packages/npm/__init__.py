"""Node.js packages, installed by npm. Their scripts never run on the host."""

LOCK = "package-lock.json"
PUBLIC = "https://registry.npmjs.org/"
"""npm replaces it in locks by the registry that is configured."""
