# Builds the wheel of a package into /layerwright/out, by a command. Where the wheel is pure Python although it is for one platform,
# its build has gone on without what it lacked: what it said is kept beside it.
# $1: a Python. $@: the command.
set -eu
python=$1
shift
{ "$@" 2>&1 && touch /layerwright/built; } | tee /layerwright/said
[ -e /layerwright/built ]
rm -f /layerwright/built /layerwright/out/.gitignore
"$python" /layerwright/inside/fallback.py /layerwright/said /layerwright/out
rm -f /layerwright/said
