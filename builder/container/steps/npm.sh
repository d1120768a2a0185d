# Runs the install scripts of some packages, without network: what they would download is not pinned, so they compile.
# $1: the folder of node_modules. $2...: the packages.
set -eu
folder=$1
shift
. /layerwright/inside/environment.sh
cd "$folder"
# The headers are beside the runtime's own Node.js, or layerwright brings them; node-gyp would download them.
headers=/var/lang
[ -e /var/lang/include/node/node.h ] || headers=/layerwright/headers
export npm_config_nodedir="$headers" npm_config_build_from_source=true npm_config_update_notifier=false \
    npm_config_cache=/tmp/layerwright-npm npm_config_devdir=/tmp/layerwright-gyp npm_config_offline=true HOME=/tmp \
    npm_config_python=/usr/bin/python3
/var/lang/bin/node /var/lang/lib/node_modules/npm/bin/npm-cli.js rebuild --foreground-scripts --no-audit --no-fund "$@" >&2 || {
    [ -e "$headers/include/node/node.h" ] || echo "the image has no headers of Node.js: /var/lang/include/node/node.h" >&2
    exit 1
}
# Of what node-gyp leaves, only the modules are loaded; the rest names paths of this container.
find node_modules -type f -name config.gypi -path '*/build/config.gypi' | while read -r config; do
    build=${config%/config.gypi}
    find "$build" -name obj.target -prune -exec rm -rf {} +
    find "$build" -type f ! -name '*.node' ! -name '*.so*' -exec rm -f {} +
    find "$build" -depth -type d -empty -exec rmdir {} +
done
rm -rf /tmp/layerwright-npm /tmp/layerwright-gyp
rm -f package.json package-lock.json
