#!/usr/bin/env bash
# Makes a root of Debian 13 with Wine, a prefix in it, CPython for Windows, and Maven. Needs root. Prints its folder.
# What was made by the same file is kept below $LAYERWRIGHT_WINE: 2 GB, 4 minutes the first time.
set -euo pipefail
cd "$(dirname "$0")"

storage=${LAYERWRIGHT_WINE:-/var/lib/layerwright-wine}
key=$(cat root.sh enter.sh | sha256sum | cut -c1-16)
root=$storage/$key
# Each with the hash of its file, which Maven gets from the repository that the user's settings name.
python=org.bytedeco:cpython:3.13.5-1.5.12:jar:windows-x86_64
python_hash=cfe5502ffa7ea369be707b6d88bf68344732a7800450665080fb4267c01bfeae
maven=org.apache.maven:apache-maven:3.9.9:zip:bin
maven_hash=4ec3f26fb1a692473aea0235c300bd20f0f9fe741947c82c1234cefd76ac3a3c

say() { echo "wine: $*" >&2; }

if [ -e "$root/complete" ]; then
    echo "$root"
    exit
fi
needed=(mmdebstrap:mmdebstrap unzip:unzip mvn:maven)
missing=()
for pair in "${needed[@]}"; do
    command -v "${pair%%:*}" >/dev/null || missing+=("${pair##*:}")
done
if ((${#missing[@]})); then
    say "installing ${missing[*]}"
    apt-get update -qq
    DEBIAN_FRONTEND=noninteractive RUNLEVEL=1 apt-get install -qq -y --no-install-recommends "${missing[@]}" >/dev/null
fi
mkdir -p "$storage"
# What another version of this file made, or was interrupted in.
find "$storage" -mindepth 1 -maxdepth 1 -type d -regex '.*/[0-9a-f]*' -exec rm -rf --one-file-system {} +

say "Debian 13 with Wine"
# Python 3.13.5, as the one for Windows: bytecode of other patch releases may differ. The linker makes python3.dll.
. /etc/os-release
mirror=$(apt-get indextargets --format '$(RELEASE) $(REPO_URI)' 'Created-By: Packages' |
    sed -n "s/^$VERSION_CODENAME //p" | head -n 1)
mmdebstrap --quiet --variant=apt --aptopt='APT::Install-Recommends "false"' --dpkgopt=force-unsafe-io \
    --include=wine,wine64,ca-certificates,python3,binutils-mingw-w64-x86-64 \
    --dpkgopt='path-exclude=/usr/share/doc/*' --dpkgopt='path-exclude=/usr/share/man/*' \
    --dpkgopt='path-exclude=/usr/share/locale/*' \
    trixie "$root" "deb $mirror trixie main" 2>"$storage/log" || { cat "$storage/log" >&2; exit 1; }

say "the prefix"
bash enter.sh "$root" sh -c 'wineboot --init && wine winecfg -v win10 && wineserver --wait' >"$storage/log" 2>&1 ||
    { cat "$storage/log" >&2; exit 1; }

# Half of the prefix are copies of Wine's own files.
for file in "$root"/prefix/drive_c/windows/system32/*; do
    own=$root/usr/lib/x86_64-linux-gnu/wine/x86_64-windows/${file##*/}
    if [ -f "$own" ] && cmp --silent "$own" "$file"; then ln -f "$own" "$file"; fi
done

say "CPython 3.13.5 for Windows"
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
fetch() { # an artifact into the folder `fetched`, by its hash
    rm -rf "$work/fetched"
    mvn --batch-mode --quiet --strict-checksums dependency:copy -Dmdep.useBaseVersion=true "-Dartifact=$1" \
        "-DoutputDirectory=$work/fetched" >&2
    echo "$2  $(echo "$work/fetched/"*)" | sha256sum --check --quiet >&2
}
fetch "$python" "$python_hash"
unzip -q "$work/fetched/"* 'org/bytedeco/cpython/windows-x86_64/*' -d "$work"
installed=$root/prefix/drive_c/Python313
mv "$work/org/bytedeco/cpython/windows-x86_64" "$installed"
mv "$installed"/lib "$installed/lib-" && mv "$installed/lib-" "$installed/Lib"
# The jar lacks the library of the stable interface: what it exports, python313.dll has.
bash enter.sh "$root" sh -euc '
    cd /prefix/drive_c/Python313
    { echo "LIBRARY python3.dll"; echo EXPORTS
      x86_64-w64-mingw32-objdump -p python313.dll | sed -n "/\[Ordinal\/Name Pointer\] Table/,/^\$/p" |
          sed -nE "s/^[[:space:]]*\[.* ([A-Za-z_][A-Za-z_0-9]*)\$/ \1 = python313.\1/p"; } >/tmp/python3.def
    test "$(wc -l </tmp/python3.def)" -gt 1000
    x86_64-w64-mingw32-ld -shared --dll -e 0 -o python3.dll /tmp/python3.def
    wine python.exe -c "import ssl, sqlite3, ctypes, sys; print(sys.version)"' >&2

say "Maven 3.9.9"
fetch "$maven" "$maven_hash"
unzip -q "$work/fetched/"* -d "$work"
mv "$work"/apache-maven-* "$root/maven"
cp -r "$root/maven" "$root/prefix/drive_c/maven"
# Wine's cmd.exe expands no pattern that is partly in quotes.
sed -i 's/in ("%MAVEN_HOME%"\\boot/in (%MAVEN_HOME%\\boot/' "$root/prefix/drive_c/maven/bin/mvn.cmd"
grep -q 'in (%MAVEN_HOME%\\boot' "$root/prefix/drive_c/maven/bin/mvn.cmd"
touch "$root/complete"
echo "$root"
