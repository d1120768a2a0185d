# Bundles libraries into the wheels of /layerwright/out, and puts them with a manylinux tag into /layerwright/repaired.
# $1: the Python that runs auditwheel. $2: the tag.
set -eu
. /layerwright/inside/environment.sh
mkdir -p /layerwright/repaired
cd /layerwright/out
case "$(echo *.whl)" in
    *-any.whl)
        cp ./*.whl /layerwright/repaired
        exit
        ;;
esac
if [ -e fallback.txt ]; then # there is nothing to be bundled with, and who asked for the wheel is told why
    cp ./*.whl fallback.txt /layerwright/repaired
    exit
fi
tools=/layerwright/auditwheel
/layerwright/bin/uv venv --quiet --no-project --no-config --no-cache --python "$1" "$tools"
/layerwright/bin/uv pip install --quiet --no-config --no-cache --python "$tools" --offline --no-index \
    --find-links /layerwright/repair --require-hashes --no-deps -r /layerwright/repair/auditwheel.txt
PATH="$tools/bin:$PATH" "$tools/bin/auditwheel" repair --only-plat --plat "$2" --wheel-dir /layerwright/repaired ./*.whl
