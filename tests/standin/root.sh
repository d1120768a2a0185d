# Installs packages into a root below /root with real dnf, without running a program of it: no scripts, any architecture.
# $1: Debian's name of the architecture. $2...: packages.
set -eu
case "$1" in
    amd64) machine=x86_64 ;;
    arm64) machine=aarch64 ;;
esac
shift
mkdir -p /root/etc/rpm
cp /etc/rpm/macros /root/etc/rpm/macros
LC_ALL=C.UTF-8 dnf -q -y --installroot=/root "--forcearch=$machine" --releasever=2023 --setopt=reposdir=/nowhere \
    --setopt=cachedir=/tmp/dnf --repofrompath=amazonlinux,file:///repository --repo=amazonlinux --nogpgcheck \
    --setopt=install_weak_deps=0 --setopt=tsflags=noscripts install "$@"
# Metadata of another stand-in may lie in a cache of the engine.
sed -i '/metadata_expire/d; $ a metadata_expire=1' /root/etc/yum.repos.d/amazonlinux.repo
rm -rf /tmp/dnf /root/tmp/* /root/var/log/* /root/var/cache/dnf
for folder in dev proc sys run home mnt opt root srv var/task var/runtime var/lang/bin var/lib/dnf usr/local/bin usr/local/lib; do
    mkdir -p "/root/$folder"
done
# The program calls it by another name, as its makefile does.
printf '#!/usr/bin/coreutils --coreutils-prog-shebang=ginstall\n' >/root/usr/bin/install
chmod 755 /root/usr/bin/install
mkdir -p /root/tmp /root/var/tmp
chmod 1777 /root/tmp /root/var/tmp
rm -f /root/.bashrc /root/.profile
