# Downloads the modules that a program in Go is compiled of (`download`, with network), or compiles it (`build`, without).
# $1: which of both. $2: the folder with go.mod and go.sum.
# PACKAGE, FILE below $PREFIX, TAGS, LINKER, CGO_ENABLED: what to compile, where to, and how.
set -eu
cgo=$CGO_ENABLED
. /layerwright/inside/environment.sh
cd "$2"
# Only what the recipe says: no other Go, no workspace, no settings of a user, and go.mod and go.sum as they are. What
# go.sum has a hash of needs no database of hashes, and what it has none of is refused, here or by Go itself.
export GOTOOLCHAIN=local GOWORK=off GOENV=off GO111MODULE=on GOFLAGS=-mod=readonly CGO_ENABLED="$cgo" \
    GOPATH=/layerwright/go/path GOMODCACHE=/layerwright/go/modules GOCACHE=/layerwright/go/cache HOME=/tmp \
    CGO_CFLAGS="$CFLAGS" CGO_CXXFLAGS="$CXXFLAGS" CGO_LDFLAGS="$LDFLAGS"

hashes() { if [ -e go.sum ]; then grep -v '/go\.mod h1:' go.sum || true; fi; }

texts() {  # folder, names of them as layerwright knows them: Go's modules declare no license
    # shellcheck disable=SC2010  # modules have no names with line breaks
    { ls "$1" | grep -iE '^(licen[cs]e|copying|notice|copyright|unlicense)([._-].*)?$' | grep -vE '\.go$' || true; }
}

keep() {  # module@version, folder
    texts "$2" | while read -r name; do
        if [ -f "$2/$name" ]; then
            mkdir -p "$PREFIX/share/licenses/go/$1"
            cp "$2/$name" "$PREFIX/share/licenses/go/$1/$name"
            chmod 644 "$PREFIX/share/licenses/go/$1/$name"
        fi
    done
}

case "$1" in
    download)
        hashes >/tmp/hashes
        # Downloads and verifies exactly what the program imports on this architecture; runs nothing.
        kind=$(go list -tags "$TAGS" -f '{{.Name}}' "$PACKAGE")
        if [ "$kind" != main ]; then
            echo "error: $PACKAGE is the library \`$kind\`, not a program" >&2
            exit 1
        fi
        go list -deps -tags "$TAGS" -f '{{with .Module}}{{if not .Main}}{{.Dir}} {{with .Replace}}{{.Path}}@{{.Version}}{{else}}{{.Path}}@{{.Version}}{{end}}{{end}}{{end}}' \
            "$PACKAGE" | sort -u >/tmp/modules
        # Go before 1.16 adds what is missing.
        if [ "$(hashes)" != "$(cat /tmp/hashes)" ]; then
            echo "error: go.sum has not the hash of every module that $PACKAGE needs" >&2
            exit 1
        fi
        while read -r folder module; do
            case "$module" in *@) ;; ?*) keep "$module" "$folder" ;; esac
        done </tmp/modules
        version=$(go version | sed -n 's/^go version go\([0-9][0-9a-z.]*\).*/\1/p')
        for folder in "$(go env GOROOT)" /usr/share/licenses/golang /usr/share/doc/golang-*-go; do
            if [ -n "$version" ] && [ -d "$folder" ] && [ -n "$(texts "$folder")" ]; then
                keep "stdlib@$version" "$folder"
                break
            fi
        done
        ;;
    build)
        mkdir -p "$PREFIX/${FILE%/*}"
        # No paths of this container, no build ID. There is no version control beside it that Go could write into it.
        GOPROXY=off go build -trimpath -tags "$TAGS" -ldflags "$LINKER" -o "$PREFIX/$FILE" "$PACKAGE"
        chmod 755 "$PREFIX/$FILE"
        ;;
esac
