"""Programs in Rust, through cargo, which compiles in the build image only."""
