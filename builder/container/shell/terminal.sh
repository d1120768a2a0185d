# Starts the terminal of `layerwright shell`, or one command: where the sources are, with the environment of a step.
# $1: the command; without one, an interactive Bash.
cd /layerwright/sources 2>/dev/null || true
. /layerwright/inside/environment.sh
if [ $# = 0 ]; then
    echo 'the helpers are in /layerwright, sources in /layerwright/sources'
    exec /bin/bash -i
fi
eval "$1"
