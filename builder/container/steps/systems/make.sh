# Builds a source with a makefile of its own and installs it into $PREFIX.
# $1: the source. $2...: variables and goals of make.
set -eu
. /layerwright/inside/environment.sh
cd "$(source_folder "$1")"
shift
make PREFIX="$PREFIX" prefix="$PREFIX" "$@"
make PREFIX="$PREFIX" prefix="$PREFIX" "$@" install
