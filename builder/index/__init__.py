"""Package indexes, through uv: what exists for a target, and the files of it. Nothing here executes a package."""
