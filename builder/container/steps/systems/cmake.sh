# Builds a source with CMake and installs it into $PREFIX.
# $1: the source. $2...: options of cmake.
set -eu
. /layerwright/inside/environment.sh
if [ -d /layerwright/tools ]; then PATH=/layerwright/tools/bin:$PATH; fi # the image's are missing or too old
cd "$(source_folder "$1")"
shift
cmake -S . -B layerwright-build -DCMAKE_BUILD_TYPE=Release -DCMAKE_INSTALL_PREFIX="$PREFIX" -DCMAKE_INSTALL_LIBDIR=lib "$@"
cmake --build layerwright-build
cmake --install layerwright-build
