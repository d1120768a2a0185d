"""Python packages, through uv: wheels where they fit, sdists that a container compiles."""

LOCK = "requirements.lock"
BUILD_LOCK = "build-requirements.lock"
"""The lock of build requirements."""
PRUNE = ("python/**/tests/", "python/**/*.pyi")
"""Patterns of what a layer does without, unless a recipe says something else."""
