# Starts the terminal of `layerwright shell`, or one command: where a step works, with the environment that it has there.
# $1: the name of the step. $2: the command; without one, an interactive shell.
stage=$1
shift
command=${1-}
interactive=$([ $# = 0 ] && echo yes || echo no)
set --
cd /layerwright || exit
. /layerwright/stopped/prologue.sh
if [ "$interactive" = no ]; then
    eval "$command"
    exit
fi
export PS1="$stage:\\w\\$ "
if command -v bash >/dev/null; then exec bash --norc -i; fi
exec sh -i
