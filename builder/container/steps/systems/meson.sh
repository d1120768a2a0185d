# Builds a source with Meson and installs it into $PREFIX.
# $1: the source. $2...: options of meson setup.
set -eu
. /layerwright/inside/environment.sh
if [ -d /layerwright/tools ]; then PATH=/layerwright/tools/bin:$PATH; fi # the image's are missing or too old
cd "$(source_folder "$1")"
shift
meson setup layerwright-build --buildtype=release --prefix="$PREFIX" --libdir=lib "$@"
ninja -C layerwright-build -j "$JOBS"
meson install -C layerwright-build --no-rebuild
