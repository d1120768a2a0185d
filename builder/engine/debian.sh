#!/bin/sh
# Installs and starts a Docker engine with buildx, the containerd image store and emulation of the other architecture.
# Supports Debian 12 or newer and Ubuntu 22.04 or newer. Requires root.
#
# Says first what it installs. Removes no package, and leaves the settings of an engine alone that was there before.
set -eu

say() { echo "engine: $*" >&2; }

if [ "$(id -u)" != 0 ]; then
    echo "error: the installation of an engine requires root; run it with sudo" >&2
    exit 7
fi
. /etc/os-release
case "$ID" in
    debian | ubuntu) ;;
    *)
        echo "error: this script supports Debian and Ubuntu, not $PRETTY_NAME" >&2
        echo "hint: install Docker Engine 23 or newer with buildx, or Podman, then run \`layerwright doctor\`" >&2
        exit 7
        ;;
esac
export DEBIAN_FRONTEND=noninteractive

# ---- programs ------------------------------------------------------------------------------------------------------

packages=""
ours="" # whether the engine comes from this script
command -v dockerd >/dev/null || { packages="$packages docker.io" && ours=yes; }
docker --version >/dev/null 2>&1 || packages="$packages docker-cli"
docker buildx version >/dev/null 2>&1 || packages="$packages docker-buildx"
ls /usr/bin/qemu-aarch64-static >/dev/null 2>&1 || packages="$packages qemu-user-static"
command -v update-binfmts >/dev/null || packages="$packages binfmt-support"
for pair in iptables:iptables ps:procps; do
    command -v "${pair%%:*}" >/dev/null || packages="$packages ${pair##*:}"
done

if [ -n "$packages" ]; then
    say "missing:$packages"
    apt-get update -qq
    if [ "$ID" = debian ] && [ "${VERSION_ID:-13}" -lt 13 ]; then
        # Docker 20.10 of Debian 12 supports neither named contexts nor the containerd image store. The packages of
        # Debian 13 run on it, and are followed there with its security updates. Priority 50 keeps all other packages at
        # the versions of Debian 12.
        mirror() {
            apt-get indextargets --format '$(RELEASE) $(REPO_URI)' 'Created-By: Packages' |
                sed -n "s/^$1 //p" | head -n 1
        }
        key=/usr/share/keyrings/debian-archive-keyring.gpg
        engine="containerd docker-buildx docker-cli docker.io"
        for release in trixie trixie-security; do
            place=$(mirror "$VERSION_CODENAME${release#trixie}")
            [ -z "$place" ] || printf 'deb [signed-by=%s] %s %s main\n' "$key" "$place" "$release"
        done >/etc/apt/sources.list.d/layerwright-engine.list
        for release in trixie trixie-security; do
            printf 'Package: %s\nPin: release n=%s\nPin-Priority: %s\n\n' "*" "$release" 50 "$engine" "$release" 500
        done >/etc/apt/preferences.d/layerwright-engine
        apt-get update -qq
    fi
    # Ubuntu's docker.io includes the client.
    [ "$ID" = debian ] || packages=$(printf '%s' "$packages" | sed 's/ docker-cli//')
    # Without an init system, the installation would wait for services that are never started.
    [ -d /run/systemd/system ] || export RUNLEVEL=1
    # shellcheck disable=SC2086  # a list of words
    changes=$(apt-get install -s -qq --no-install-recommends $packages)
    named() { printf '%s\n' "$changes" | sed -n "s/^$1 \([^ ]*\).*/ \1/p" | tr -d '\n'; }
    if [ -n "$(named Remv)" ]; then
        echo "error: installing$packages would remove$(named Remv)" >&2
        echo "hint: another Docker is installed; start its engine, and install what \`layerwright doctor\` still misses" >&2
        exit 7
    fi
    say "installing$(named Inst)"
    # shellcheck disable=SC2086
    apt-get install -qq -y --no-install-recommends --no-remove $packages >/dev/null
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

# Only the containerd image store can hold an image for several platforms. The limit of the cache of builds would be a
# tenth of the disk, however little of it is free.
write_settings() {
    mkdir -p /etc/docker
    printf '{"features": {"containerd-snapshotter": true}, "builder": {"gc": {"enabled": true, "%s": "%s"}}}\n' \
        defaultKeepStorage 12GB >/etc/docker/daemon.json
}
if [ -n "$ours" ] && [ ! -e /etc/docker/daemon.json ]; then
    write_settings
elif [ -e /etc/apt/sources.list.d/layerwright-engine.list ] &&
    [ "$(cat /etc/docker/daemon.json 2>/dev/null)" = '{"features": {"containerd-snapshotter": true}}' ]; then
    write_settings # what this script wrote before it had a limit
fi
if docker info >/dev/null 2>&1; then
    say "running: $(docker version --format 'Docker {{.Server.Version}}')"
    exit 0
fi
if [ -d /run/systemd/system ]; then
    systemctl enable --now docker
else
    rm -f /var/run/docker.pid /var/run/docker/containerd/containerd.pid # left by a machine that was switched off
    # Detached, with its output in a file: a caller that reads the output would otherwise wait for the daemon to exit.
    setsid dockerd >/var/log/dockerd.log 2>&1 </dev/null &
fi
tries=0
until docker info >/dev/null 2>&1; do
    tries=$((tries + 1))
    if [ "$tries" -gt 120 ]; then
        echo "error: the Docker daemon did not start within a minute" >&2
        tail -n 5 /var/log/dockerd.log >&2 2>/dev/null || true
        echo "hint: /var/log/dockerd.log or \`journalctl -u docker\` has the reason" >&2
        exit 7
    fi
    sleep 0.5
done
say "started: $(docker version --format 'Docker {{.Server.Version}}')"
