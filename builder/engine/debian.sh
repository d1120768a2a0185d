#!/bin/sh
# Installs and starts a Docker engine with buildx, the containerd image store and emulation of the other architecture.
# For Debian 12 and newer and Ubuntu 22.04 and newer; what is there already stays as it is. Needs root.
set -eu

say() { echo "engine: $*" >&2; }

if [ "$(id -u)" != 0 ]; then
    echo "error: installing an engine needs root; run it with sudo" >&2
    exit 7
fi
. /etc/os-release
case "$ID" in
    debian | ubuntu) ;;
    *)
        echo "error: this script knows Debian and Ubuntu, not $PRETTY_NAME" >&2
        echo "hint: install Docker Engine 23 or newer with buildx, or Podman, then try \`layerwright doctor\`" >&2
        exit 7
        ;;
esac
export DEBIAN_FRONTEND=noninteractive

# ---- programs ------------------------------------------------------------------------------------------------------

wanted=""
command -v dockerd >/dev/null || wanted="$wanted docker.io"
docker --version >/dev/null 2>&1 || wanted="$wanted docker-cli"
docker buildx version >/dev/null 2>&1 || wanted="$wanted docker-buildx"
ls /usr/bin/qemu-aarch64-static >/dev/null 2>&1 || wanted="$wanted qemu-user-static"
command -v update-binfmts >/dev/null || wanted="$wanted binfmt-support"
for pair in iptables:iptables ps:procps; do
    command -v "${pair%%:*}" >/dev/null || wanted="$wanted ${pair##*:}"
done

if [ -n "$wanted" ]; then
    say "installing$wanted"
    apt-get update -qq
    newer=""
    if [ "$ID" = debian ] && [ "${VERSION_ID:-13}" -lt 13 ]; then
        # Debian 12 has Docker 20.10, which knows neither named contexts nor the containerd image store. The same
        # packages of Debian 13 run on it; priority 50 keeps everything else where it is.
        mirror=$(apt-get indextargets --format '$(RELEASE) $(REPO_URI)' 'Created-By: Packages' |
            sed -n "s/^$VERSION_CODENAME //p" | head -n 1)
        printf 'deb [signed-by=/usr/share/keyrings/debian-archive-keyring.gpg] %s trixie main\n' "$mirror" \
            >/etc/apt/sources.list.d/layerwright-engine.list
        printf 'Package: *\nPin: release n=trixie\nPin-Priority: 50\n' >/etc/apt/preferences.d/layerwright-engine
        apt-get update -qq
        newer=/trixie
    fi
    list=""
    for name in $wanted; do
        case "$name" in
            docker-cli) [ "$ID" = ubuntu ] || list="$list $name$newer" ;; # Ubuntu's docker.io holds the client
            docker*) list="$list $name$newer" ;;
            *) list="$list $name" ;;
        esac
    done
    # A machine without an init system would wait for services that nobody starts.
    [ -d /run/systemd/system ] || export RUNLEVEL=1
    # shellcheck disable=SC2086  # a list of words
    apt-get install -qq -y --no-install-recommends $list >/dev/null
fi

# ---- emulation -----------------------------------------------------------------------------------------------------

[ -e /proc/sys/fs/binfmt_misc/status ] || mount -t binfmt_misc binfmt_misc /proc/sys/fs/binfmt_misc
case "$(uname -m)" in
    x86_64) foreign=aarch64 ;;
    aarch64) foreign=x86_64 ;;
    *) foreign="" ;;
esac
if [ -n "$foreign" ] && [ ! -e "/proc/sys/fs/binfmt_misc/qemu-$foreign" ]; then
    say "registering emulation of $foreign"
    update-binfmts --enable "qemu-$foreign" >/dev/null 2>&1 || update-binfmts --import "qemu-$foreign"
    update-binfmts --enable "qemu-$foreign" >/dev/null 2>&1 || true
fi
if [ -n "$foreign" ] && ! grep -q '^flags:.*F' "/proc/sys/fs/binfmt_misc/qemu-$foreign"; then
    echo "error: emulation of $foreign is registered without flag F, so it cannot work in containers" >&2
    echo "hint: apt-get install --reinstall qemu-user-static" >&2
    exit 7
fi

# ---- the daemon ----------------------------------------------------------------------------------------------------

if [ ! -e /etc/docker/daemon.json ]; then
    mkdir -p /etc/docker
    # Images for several platforms can only be kept in containerd's store.
    printf '{"features": {"containerd-snapshotter": true}}\n' >/etc/docker/daemon.json
fi
if docker info >/dev/null 2>&1; then
    say "running: $(docker version --format 'Docker {{.Server.Version}}')"
    exit 0
fi
if [ -d /run/systemd/system ]; then
    systemctl enable --now docker
else
    rm -f /var/run/docker.pid /var/run/docker/containerd/containerd.pid # of a machine that was switched off
    # Detached, with its output in a file: a daemon that kept our output open would keep our caller waiting for ever.
    setsid dockerd >/var/log/dockerd.log 2>&1 </dev/null &
fi
tries=0
until docker info >/dev/null 2>&1; do
    tries=$((tries + 1))
    if [ "$tries" -gt 120 ]; then
        echo "error: the Docker daemon did not start within a minute" >&2
        tail -n 5 /var/log/dockerd.log >&2 2>/dev/null || true
        echo "hint: /var/log/dockerd.log or \`journalctl -u docker\` tells why" >&2
        exit 7
    fi
    sleep 0.5
done
say "started: $(docker version --format 'Docker {{.Server.Version}}')"
