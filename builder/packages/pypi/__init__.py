"""Python packages, through uv: wheels where they fit, sdists that a container compiles."""
