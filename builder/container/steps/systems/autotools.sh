# Builds a source with its configure script, which autoreconf makes if there is none, and installs it into $PREFIX.
# $1: the source. $2...: options of configure.
set -eu
. /layerwright/inside/environment.sh
cd "$(source_folder "$1")"
shift
[ -x configure ] || autoreconf -fi
./configure --prefix="$PREFIX" --libdir="$PREFIX/lib" "$@"
make
make install
