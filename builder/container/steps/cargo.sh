#!/bin/sh
# cargo of the engine's architecture. What it builds for another target than its host it puts into a folder named after
# that target; recipes look where it would lie without, so it is laid there as well.
export RUSTC="${RUSTC:-/native/rust/for-cargo}"
folder=${CARGO_TARGET_DIR:-${CARGO_BUILD_TARGET_DIR:-}}
manifest=
before=
command=
asked=no
for word; do
    case "$before" in
        --manifest-path) manifest=$word ;;
        --target-dir) folder=$word ;;
    esac
    case "$word" in
        --manifest-path=*) manifest=${word#*=} ;;
        --target-dir=*) folder=${word#*=} ;;
        --target | --target=*) asked=yes ;;
        -*) ;;
        *) command=${command:-$word} ;;
    esac
    before=$word
done
/native/rust/bin/cargo "$@" || exit
case "$asked $command" in "no build" | "no b" | "no rustc") ;; *) exit 0 ;; esac
if [ -z "$folder" ]; then
    root=$(/native/rust/bin/cargo locate-project --workspace --message-format plain ${manifest:+--manifest-path "$manifest"})
    folder=${root%/*}/target
fi
for profile in "$folder/$CARGO_BUILD_TARGET"/*/; do
    name=${profile%/}
    name=${name##*/}
    mkdir -p "$folder/$name"
    for file in "$profile"*; do
        [ ! -f "$file" ] || ln -f "$file" "$folder/$name/"
    done
done
