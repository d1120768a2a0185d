# Read by script.sh, and by the terminal of `layerwright shell`: the variables that a script has for its sources.
# $@: the names of the sources.
export RECIPE=/layerwright/recipe
if [ $# -gt 0 ]; then
    SRC=$(source_folder "$1")
    export SRC
    for name in "$@"; do
        export "SRC_$(echo "$name" | tr 'a-z-' 'A-Z_' | tr -dc 'A-Z0-9_')=$(source_folder "$name")"
    done
fi
mkdir -p /layerwright/work
