#!/bin/sh
# Links programs and plugins that run while Rust builds: for the engine's architecture, against its libraries.
exec /native/bin/clang "--target=$LAYERWRIGHT_RUST_HOST" --sysroot=/native/rust/nothing -B/native/rust/host \
    -L/native/rust/host "$@" -Wl,--dynamic-linker=/native/lib/loader -Wl,--disable-new-dtags,-rpath,/native/lib
