# Builds a source with Meson and installs it into $PREFIX.
# $1: the source. $2...: options of meson setup.
set -eu
. /layerwright/inside/environment.sh
cd "$(source_folder "$1")"
shift
meson setup layerwright-build --buildtype=release --prefix="$PREFIX" --libdir=lib "$@"
ninja -C layerwright-build -j "$JOBS"
meson install -C layerwright-build --no-rebuild
