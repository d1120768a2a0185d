# Read by every step at its start: how many jobs the engine can do, and whatever secrets the step was given. Those with
# network have the host's proxy and CA, those that ask an index its settings. Nothing stays in an image or a layer.

# sam/build-provided.al2023 sets this, and Go would clone repositories of modules: only the host's settings, read below, say so.
[ "${GOPROXY-}" != direct ] || unset GOPROXY
for name in environment indexes; do
    if [ -r "/run/secrets/layerwright-$name" ]; then
        set -a
        . "/run/secrets/layerwright-$name"
        set +a
    fi
done
if [ -r /run/secrets/layerwright-ca ]; then
    for name in SSL_CERT_FILE REQUESTS_CA_BUNDLE PIP_CERT CURL_CA_BUNDLE NODE_EXTRA_CA_CERTS GIT_SSL_CAINFO \
        CARGO_HTTP_CAINFO AWS_CA_BUNDLE BUNDLE_SSL_CA_CERT; do
        export "$name=/run/secrets/layerwright-ca"
    done
    package_manager_ca=$LAYERWRIGHT_CA_OPTION
else
    package_manager_ca=
fi
# Secrets with these names are what they say.
[ ! -r /run/secrets/netrc ] || export NETRC=/run/secrets/netrc
[ ! -r /run/secrets/uv.toml ] || export UV_CONFIG_FILE=/run/secrets/uv.toml
[ ! -r /run/secrets/pip.conf ] || export PIP_CONFIG_FILE=/run/secrets/pip.conf

# Images search the libraries of the runtime's own interpreter first, and some of those break programs of the system: Node.js
# brings an older OpenSSL than the one that the system's Python, curl and git are linked with. Here what the system has comes
# first, then what only the interpreter has, then what the layer has so far.
for system in "/usr/lib/$MACHINE-linux-gnu" /usr/lib64 /lib64; do
    [ ! -d "$system" ] || export LD_LIBRARY_PATH="$system${LD_LIBRARY_PATH:+:$LD_LIBRARY_PATH}"
done

# A compiler that runs natively while everything else is emulated; see toolchain.sh.
if [ -d /native/bin ]; then
    LAYERWRIGHT_TRIPLE=$(LD_LIBRARY_PATH='' gcc -dumpmachine 2>/dev/null || echo "$MACHINE-linux-gnu")
    # Bash would tell the machine that it was compiled for.
    export HOSTTYPE="$MACHINE" MACHTYPE="$LAYERWRIGHT_TRIPLE"
    export LAYERWRIGHT_TRIPLE CC=/native/bin/cc CXX=/native/bin/c++ LD=/native/bin/ld AR=/native/bin/ar \
        RANLIB=/native/bin/ranlib NM=/native/bin/nm STRIP=/native/bin/strip OBJCOPY=/native/bin/objcopy
    # Go would write for the machine that it was compiled for, and without C when that is another one.
    if [ -d /native/go ]; then
        export GOARCH="$LAYERWRIGHT_GOARCH" CGO_ENABLED=1
        export LD_LIBRARY_PATH="${LD_LIBRARY_PATH:+$LD_LIBRARY_PATH:}/native/lib"
    fi
    if [ -r /native/rust/environment.sh ]; then . /native/rust/environment.sh; fi
fi

JOBS=$(nproc)
export JOBS MAKEFLAGS="-j$JOBS" CMAKE_BUILD_PARALLEL_LEVEL="$JOBS"
export UV_LINK_MODE=copy UV_PYTHON_DOWNLOADS=never UV_NO_PROGRESS=1 NO_COLOR=1

# What was fetched before anything was compiled, for steps without network.
if [ -d /layerwright/fetched ]; then
    export CARGO_HOME=/layerwright/fetched/cargo CARGO_NET_OFFLINE=true
    export GOMODCACHE=/layerwright/fetched/go GOPROXY=off GOTOOLCHAIN=local
fi

# The one folder that an archive holds, or the place itself when it holds several things.
source_folder() {
    set -- "/layerwright/sources/$1" "/layerwright/sources/$1"/*
    if [ $# = 2 ] && [ -d "$2" ]; then echo "$2"; else echo "$1"; fi
}

# The optimisation that extensions are compiled with by this Python, which setuptools drops when CFLAGS is set at all. Others
# have their own, which stands before CFLAGS and would lose against it.
# $1: the interpreter. In the folder of the sources.
python_flags() {
    if ! grep -qsE '^build-backend *= *.(mesonpy|scikit_build_core|maturin)' pyproject.toml; then
        "$1" -c 'import sysconfig
words = (sysconfig.get_config_var("CFLAGS") or "-O2 -DNDEBUG").split()
print(*dict.fromkeys(word for word in words if word.startswith(("-O", "-D", "-fwrapv", "-fno-strict"))))'
    fi
}
