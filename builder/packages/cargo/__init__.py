"""Programs in Rust, through cargo, which compiles in the build image only."""

LOCK, PROJECT_LOCK = "cargo.lock", "Cargo.lock"
"""The lock of a published crate beside the recipe, and that of a project in its folder."""
