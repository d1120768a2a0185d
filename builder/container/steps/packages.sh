# Installs packages of the operating system, and keeps the release of the repositories that they are from.
# $1: the command of the package manager. $2...: the packages, or PROGRAM=PACKAGE, for one that is absent without it.
set -eu
. /layerwright/inside/environment.sh
export LD_LIBRARY_PATH=
command=$1
shift
for name; do
    shift
    case "$name" in
        *=*) ! command -v "${name%%=*}" >/dev/null || continue ;;
    esac
    set -- "$@" "${name#*=}"
done

install() {
    # shellcheck disable=SC2086,SC2154  # words of a command; the option is from environment.sh
    { $command $package_manager_ca "$@" 2>&1 && touch /layerwright/installed; } | tee /layerwright/told
    [ -e /layerwright/installed ]
}

# While a repository is published, its index names files that are not there, or others than it has hashes of.
inconsistent() {
    grep -qiE 'checksum.*(match|error)|Metadata file does not match|Cannot download|No more mirrors|Status code: (404|5[0-9][0-9])|expected size|Failed to download metadata|repomd\.xml' \
        /layerwright/told && ! grep -qiE "could( not|n't) resolve|connection refused|timed? ?out|certificate" /layerwright/told
}

[ $# -gt 0 ] || exit 0

for attempt in 1 2 3 last; do
    if install "$@"; then break; fi
    if [ "$attempt" = last ] || ! inconsistent; then exit 1; fi
    echo "the repositories' index does not fit their packages at the moment: attempt $((attempt + 1)) of 4 in $((attempt * 10)) s" >&2
    sleep $((attempt * 10))
    ${command%% *} clean all >&2 || true
done
rm -f /layerwright/installed /layerwright/told

# yum does not fail where a package is unknown, unless it is new enough for an option that says so.
case "$command" in
    yum*)
        for name; do
            rpm -q "$name" >/dev/null 2>&1 || rpm -q --whatprovides "$name" >/dev/null 2>&1 || missing="${missing:-} $name"
        done
        for name in ${missing:-}; do echo "No package $name available." >&2; done
        [ -z "${missing:-}" ] || exit 1
        ;;
esac

# What the package manager is locked to: two images of one day may have two releases of it, and so other packages.
release=
if [ -r /etc/dnf/vars/releasever ]; then read -r release </etc/dnf/vars/releasever || true; fi
[ -n "$release" ] || release=$(rpm -q --queryformat '%{VERSION}' --whatprovides system-release 2>/dev/null) || release=
printf '%s\n' "$release" >/layerwright/releasever
