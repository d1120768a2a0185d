# Fetches the crates of a program, then compiles it without network.
# fetch [NAME-VERSION SHA256]: everything that the lock names, which cargo verifies; of a published crate its sources first.
# build DIRECTORY [OPTION]... -- [--bin NAME]...: the programs into a directory of $PREFIX, and what cargo knows of the crates.
set -eu
. /layerwright/inside/environment.sh
cd /layerwright/cargo
export CARGO_HOME=/layerwright/cargo/home CARGO_TERM_COLOR=never CARGO_BUILD_JOBS="$JOBS"
host=${LAYERWRIGHT_RUST_HOST:-$(rustc -vV | sed -n 's/^host: //p')}
target=${CARGO_BUILD_TARGET:-$host}

# A secret of this name is cargo's settings: of a registry that stands in for the usual one, for example.
tool() {
    if [ -r /run/secrets/cargo.toml ]; then set -- --config /run/secrets/cargo.toml "$@"; fi
    cargo "$@"
}

fetch() {  # folder, options: what is compiled for, and what runs while it is
    folder=$1
    shift
    tool fetch --manifest-path "$folder/Cargo.toml" --target "$target" --target "$host" "$@"
}

case "$1" in
    fetch)
        if [ $# = 3 ]; then
            # No lock of ours names a registry: cargo does, in the first lock that it writes itself.
            tool generate-lockfile --manifest-path asking/Cargo.toml
            address=$(sed -n 's/^source = "\(.*\)"$/\1/p' asking/Cargo.lock | head -n 1)
            for name in asking source; do
                sed "s|^source = \"registry\"\$|source = \"$address\"|" "$name.lock" >"$name.marked"
            done
            cp asking.marked asking/Cargo.lock
            fetch asking
            if ! grep -q "^checksum = \"$3\"\$" asking/Cargo.lock; then
                echo "error: the registry has another $2 than the lock: not the one with SHA-256 $3" >&2
                exit 1
            fi
            cp -r home/registry/src/*/"$2" source
            rm -rf source/.cargo source/rust-toolchain source/rust-toolchain.toml
            cp source.marked source/Cargo.lock
        fi
        fetch source --locked
        ;;
    build)
        to=$2
        shift 2
        options=
        while [ "$1" != -- ]; do
            options="$options $1"
            shift
        done
        shift
        # shellcheck disable=SC2086  # features and flags have no spaces
        tool metadata --frozen --format-version 1 --manifest-path source/Cargo.toml --filter-platform "$target" \
            $options >metadata.json
        # No path of this container stays in messages of the program; the last that fits counts.
        export RUSTFLAGS="--remap-path-prefix=/layerwright/cargo=."
        for folder in home/registry/src/*; do
            RUSTFLAGS="$RUSTFLAGS --remap-path-prefix=/layerwright/cargo/$folder=crates"
        done
        # shellcheck disable=SC2086
        tool install --path source --root installed --no-track --locked --offline --frozen $options "$@"
        mkdir -p "$PREFIX/$to"
        install -m 755 installed/bin/* "$PREFIX/$to/"
        ;;
esac
