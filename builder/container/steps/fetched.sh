# Fetches what the locks in an sdist name, by their hashes, so that it compiles without network. Runs nothing of it.
# $1...: the languages: `cargo` for each Cargo.lock, `go` for each go.sum.
set -eu
. /layerwright/inside/environment.sh
fetched=/layerwright/fetched
mkdir -p "$fetched/cargo" "$fetched/go"
export CARGO_HOME="$fetched/cargo" CARGO_TERM_COLOR=never GOMODCACHE="$fetched/go"
# Settings in the sources could name programs for cargo to start, or another toolchain.
find /layerwright/sources \( -name .cargo -o -name rust-toolchain -o -name rust-toolchain.toml -o -name .git \) -prune -exec rm -rf {} +

crates() {  # folder of a Cargo.lock; for all platforms, because maturin asks for the metadata of all
    set -- fetch --locked --manifest-path "$1/Cargo.toml"
    if [ -r /run/secrets/cargo.toml ]; then set -- --config /run/secrets/cargo.toml "$@"; fi
    if ! cargo "$@" 2>"$fetched/told"; then
        cat "$fetched/told" >&2
        # Examples in an sdist can have locks that fit nothing: what cannot be fetched so was not fetched before either.
        grep -qE 'needs to be updated|failed to (parse|load|read)' "$fetched/told" || return 1
    fi
    rm -f "$fetched/told"
}

modules() {  # folder of a go.sum
    (cd "$1" && GOFLAGS=-mod=readonly GOTOOLCHAIN=local GOWORK=off GOENV=off HOME=/tmp go mod download)
}

for language; do
    case "$language" in
        cargo) lock=Cargo.lock manifest=Cargo.toml fetch=crates ;;
        go) lock=go.sum manifest=go.mod fetch=modules ;;
    esac
    cd /
    find /layerwright/sources -name "$lock" | sort | while read -r path; do
        [ ! -f "${path%/*}/$manifest" ] || "$fetch" "${path%/*}"
    done
done
