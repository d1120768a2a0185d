# Tells what an image has, one fact a line: its name, a tab, the value. Needs no program but rpm, where that is there.
export LC_ALL=C
tell() { printf '%s\t%s\n' "$1" "$2"; }

for name in PATH LD_LIBRARY_PATH LANG GOPROXY; do
    eval "tell environment.$name \"\${$name-}\""
done
own=${LD_LIBRARY_PATH-}
export LD_LIBRARY_PATH=

tell shell "$([ -n "${BASH_VERSION-}" ] && echo bash || echo other)"
[ ! -r /etc/system-release ] || { read -r line </etc/system-release && tell release "$line"; }
[ ! -r /etc/dnf/vars/releasever ] || { read -r line </etc/dnf/vars/releasever && tell releasever "$line"; }

# The package that has the program says more than its name: microdnf goes by the name of dnf.
for name in dnf microdnf yum; do
    path=$(command -v "$name") || continue
    package=$(rpm -qf --queryformat '%{NAME} %{VERSION}' "$path" 2>/dev/null) || package=unknown # rpm tells its errors
    tell "manager.$name" "$package"
done

kind=none
if path=$(command -v cat); then
    { read -r line <"$path"; } 2>/dev/null || :
    case "$line" in
        *coreutils*shebang*) kind=multi-call ;;
        *) kind=separate ;;
    esac
fi 2>/dev/null
tell coreutils "$kind"

for name in autoconf automake awk bison bzip2 cargo cc cmake cmake3 cmp diff file find flex g++ gcc git go grep gzip \
    jq libtool make meson microdnf node npm ninja patch patchelf perl pip3 pkg-config python3 rsync rustc sed tar \
    unzip wget which xz zip; do
    path=$(command -v "$name") || continue
    case "$path" in
        *//*) path=${path%%//*}/${path##*//} ;; # of a folder in PATH that ends with a slash
    esac
    tell "program.$name" "$path"
done
for name in python3 cmake cmake3 gcc node go rustc meson; do
    if command -v "$name" >/dev/null; then
        # Interpreters of the language need its folder; programs of the system may not start with it.
        version=$("$name" --version 2>/dev/null || LD_LIBRARY_PATH=$own "$name" --version 2>/dev/null ||
            "$name" version 2>/dev/null || :)
        tell "version.$name" "$(printf '%s\n' "$version" | { read -r line && printf '%s' "$line"; })"
    fi
done
for path in /var/lang/include/node/node.h /usr/include/node/node.h; do
    [ ! -e "$path" ] || tell headers.node "$path"
done
command -v rpm >/dev/null || exit 0
rpm -qa --queryformat 'package\t%{NAME} %{VERSION}-%{RELEASE} %{ARCH}\n' 2>/dev/null || :
