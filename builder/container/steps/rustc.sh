#!/bin/sh
# rustc of the engine's architecture. Who calls it wants a program for this container, except cargo: that one says what it
# wants for which target, and nothing for what runs while it builds.
asked=no
for word; do
    case "$word" in --target | --target=*) asked=yes ;; esac
done
case "$0" in */for-cargo) asked=yes ;; esac
if [ "$asked" = no ]; then
    set -- --target "$CARGO_BUILD_TARGET" -C linker=/native/bin/cc "$@"
fi
exec /native/rust/bin/rustc --sysroot /native/rust "$@"
