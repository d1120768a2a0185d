#!/usr/bin/env bash
# Runs a program in a root that root.sh made: `bash enter.sh ROOT PROGRAM ...`. Variables WINE_* are handed on without WINE_.
set -euo pipefail

root=$1
shift
handed=()
while IFS= read -r name; do handed+=("${name#WINE_}=${!name}"); done < <(compgen -v WINE_)
export ROOT=$root
exec unshare --mount sh -c '
    mount -t proc proc "$ROOT/proc"
    mount --rbind /dev "$ROOT/dev"
    cp /etc/resolv.conf /etc/hosts "$ROOT/etc/"
    exec chroot "$ROOT" "$@"' sh \
    env -i PATH=/usr/sbin:/usr/bin:/sbin:/bin HOME=/root LANG=C.UTF-8 \
    WINEDEBUG=-all WINEDLLOVERRIDES=mscoree,mshtml= WINEPREFIX=/prefix "${handed[@]}" "$@"
