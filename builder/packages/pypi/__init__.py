"""Python packages, through uv: wheels where they fit, sdists that a container compiles."""

LOCK = "requirements.lock"
BUILD_LOCK = "build-requirements.lock"
"""The lock of build requirements."""
