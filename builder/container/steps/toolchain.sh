# Gathers clang, lld and llvm's tools of this (the host's) architecture in /native, with all their libraries and their
# loader, so that they run inside images of another architecture: the kernel is the host's.
# $1: the other architecture's GNU triple, for builds that lose the environment.
set -eu
unset LD_LIBRARY_PATH
mkdir -p /native/bin /native/lib

program() {  # file, names
    from=$(readlink -f "$(command -v "$1")")
    shift
    cp "$from" "/native/bin/$1"
    first=$1
    shift
    for other; do ln -sf "$first" "/native/bin/$other"; done
}
program clang clang
# Clang looks for a linker with its triple in front of it first, in PATH as well: there is an emulated one.
program ld.lld ld ld.lld "$1-ld"
program llvm-ar ar ranlib
program llvm-nm nm
program llvm-objcopy objcopy strip
gcc -O2 "-DTRIPLE=\"$1\"" -o /native/bin/cc /layerwright/inside/launcher.c
ln -sf cc /native/bin/c++
# GCC's omp.h of the target lies where that of this architecture does, but for the name of the machine.
mkdir -p /native/openmp
clang "--target=$1" -O2 -fPIC -w -c -o /native/openmp/openmp.o /layerwright/inside/openmp.c
header=$(gcc -print-file-name=include/omp.h)
echo "#include \"$(echo "$header" | sed "s,/$(uname -m)-,/${1%%-*}-,")\"" >/native/openmp/omp.h

# What configure scripts and makefiles start ten thousand times. Same version, same files, another architecture; each
# is laid over its own place, so that nothing finds another path. Not uname and whatever else tells the machine.
#
# In Amazon Linux 2023, coreutils are scripts of a line that start one program with many names. Such a script is written
# anew for a copy of that program: the image's own stays emulated, for uname is one of its names.
mkdir -p /native/tools
for path in $LAYERWRIGHT_TOOLS; do
    from=$(readlink -f "$path")
    read -r first <"$from" 2>/dev/null || first=
    case "$first" in
        '#!'*/coreutils' '*)
            program=${first%% *}
            [ -e /native/tools/coreutils ] || cp "$(readlink -f "${program#??}")" /native/tools/coreutils
            echo "#!/native/tools/coreutils ${first#* }" >"/native/tools/${path##*/}"
            chmod 755 "/native/tools/${path##*/}"
            ;;
        *) cp "$from" "/native/tools/${path##*/}" ;;
    esac
done

# Go's compiler writes for any architecture; its programs lie in a folder named after the one that they run on. They do
# not survive patchelf, so they find loader and libraries as the runtime's Python does. An image may have a Go of its own
# that no step asked for.
if [ -e /native/tools/go ]; then
    mkdir -p /native/go
    mv /native/tools/go /native/go/go
    cp -r "$(go env GOTOOLDIR)" /native/go/tool
fi

[ ! -e /native/tools/rustc ] || sh /layerwright/inside/rust.sh "${1%%-*}"

# The runtime's own Python; see sitecustomize.py. What is installed to build with (ninja, cmake, cython) is of this
# architecture, too; it finds the loader at its own place and libraries by an LD_LIBRARY_PATH that ends with /native/lib.
mkdir -p /native/python/lib-dynload
python_folder=/var/lang/lib
if [ -n "$LAYERWRIGHT_PYTHON" ]; then
    cp "$(readlink -f "$LAYERWRIGHT_PYTHON")" /native/python/python
    cp "$python_folder/${LAYERWRIGHT_PYTHON##*/}"/lib-dynload/*.so /native/python/lib-dynload/
    sed "s/@MACHINE@/${1%%-*}/" /layerwright/inside/sitecustomize.py >/native/python/sitecustomize.py
fi

resources=$(clang -print-resource-dir)
for folder in lib lib64; do
    mkdir -p "/native/$folder/clang/$(basename "$resources")"
    cp -r "$resources/include" "/native/$folder/clang/$(basename "$resources")/"
done

loader=$(/layerwright/bin/patchelf --print-interpreter /native/bin/clang)
cp -L "$loader" /native/lib/loader
programs=
for file in /native/bin/* /native/tools/* /native/python/python /native/rust/bin/*; do
    if [ ! -f "$file" ] || [ -L "$file" ]; then continue; fi
    case "$(head -c 4 "$file" | tr -d '\0')" in *ELF) programs="$programs $file" ;; esac
done
for file in $programs /native/python/lib-dynload/* /native/go/go /native/go/tool/*; do
    LD_LIBRARY_PATH=$python_folder ldd "$file" 2>/dev/null | awk '$3 ~ /^\// { print $3 }'
done | sort -u | while read -r library; do cp -L "$library" /native/lib/; done

# DT_RPATH, not DT_RUNPATH: it counts for libraries of libraries, and comes before LD_LIBRARY_PATH, where the image
# keeps libraries of the other architecture.
for file in $programs; do
    /layerwright/bin/patchelf --set-interpreter /native/lib/loader --force-rpath --set-rpath /native/lib "$file"
done
for file in /native/lib/*.so*; do
    case "${file##*/}" in
        libc.so.* | libm.so.* | libpthread.so.* | libdl.so.* | librt.so.*) ;; # made for this very loader
        *) /layerwright/bin/patchelf --force-rpath --set-rpath /native/lib "$file" ;;
    esac
done
/native/bin/clang --version >&2
