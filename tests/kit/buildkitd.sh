#!/usr/bin/env bash
# Makes buildkitd from its own source, by Go's module proxy: Debian has none, and tests want several machines of a
# buildx builder. Idempotent.
set -euo pipefail

version=v0.25.1
storage=/var/lib/layerwright-standin/buildkitd-$version
[ -x "$storage/buildkitd" ] && exit 0
echo "stand-ins: buildkitd $version" >&2

go=go
# Go before 1.21 cannot fetch the newer one that a module asks for.
if ! go version 2>/dev/null | grep -qE 'go1\.(2[1-9]|[3-9][0-9])'; then
    [ -x /usr/lib/go-1.24/bin/go ] || DEBIAN_FRONTEND=noninteractive apt-get install -qq -y \
        --no-install-recommends golang-1.24-go/trixie golang-1.24-src/trixie >/dev/null
    go=/usr/lib/go-1.24/bin/go
fi
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
export GOPATH=$work/go GOFLAGS=-modcacherw GOTOOLCHAIN=auto CGO_ENABLED=0
mkdir "$work/empty" && cd "$work/empty"
# `go install` refuses a module whose go.mod excludes versions, so it is built from its own folder.
source=$("$go" mod download -json "github.com/moby/buildkit@$version" | sed -n 's/^\t"Dir": "\(.*\)",$/\1/p')
cd "$source"
"$go" build -mod=mod -trimpath -ldflags=-s -o "$work/buildkitd" ./cmd/buildkitd 2>"$work/log" ||
    { tail -n 5 "$work/log" >&2; exit 1; }
mkdir -p "$storage"
mv "$work/buildkitd" "$storage/buildkitd.part"
mv "$storage/buildkitd.part" "$storage/buildkitd"
