# Runs the script of one step, and lists what it changed outside of /opt: that does not come into the layer.
set -eu
number=$1
shift
. /layerwright/inside/environment.sh
. /layerwright/inside/script_variables.sh
mkdir -p /layerwright/outside
cd "${SRC:-/layerwright/work}"
touch "/layerwright/outside/$number"
sleep 0.01 2>/dev/null || sleep 1
sh -eu "/layerwright/scripts/$number.sh"
if command -v find >/dev/null; then
    find / -xdev \( -path /proc -o -path /sys -o -path /dev -o -path /opt -o -path /tmp -o -path /var/tmp -o -path /run \
        -o -path /root -o -path /layerwright -o -path /var/cache -o -path /var/log -o -path /var/lib/rpm -o -path /var/lib/dnf \
        -o -path /var/lib/yum -o -path /var/lib/apt -o -path /var/lib/dpkg \) -prune -o \
        ! -type d -cnewer "/layerwright/outside/$number" -print >/layerwright/outside.list
    mv /layerwright/outside.list "/layerwright/outside/$number"
fi
