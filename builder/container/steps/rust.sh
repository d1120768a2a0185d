# Gathers rustc and cargo of this (the host's) architecture in /native/rust; part of toolchain.sh.
# $1: the machine that is compiled for.
#
# Cargo is told to compile for another target than its host: build scripts and procedural macros, which the compiler runs
# and loads, are the host's, all else is this container's. The target's standard library is that of the container, whose
# rustc is of the same version; the host's lies beside its compiler.
set -eu
HOST=$(rustc -vV | sed -n 's/^host: //p')
TARGET=$1-${HOST#*-}
mkdir -p /native/rust/bin /native/rust/host /native/rust/lib/rustlib
mv /native/tools/rustc /native/rust/bin/rustc
[ ! -e /native/tools/cargo ] || mv /native/tools/cargo /native/rust/bin/cargo
libraries=$(rustc --print sysroot)/lib/rustlib
cp -rL "$libraries/$HOST" /native/rust/lib/rustlib/
ln -s "$libraries/$TARGET" /native/rust/lib/rustlib/

# What programs of the host are linked with; they find it again by a DT_RPATH, see hostcc.sh.
for name in libc.so.6 libm.so.6 libpthread.so.0 libdl.so.2 librt.so.1 libutil.so.1 libgcc_s.so.1; do
    cp -L "$(gcc -print-file-name="$name")" /native/rust/host/
    [ "$name" = libc.so.6 ] || ln -s "$name" "/native/rust/host/${name%.so.*}.so"
done
echo "GROUP ( libc.so.6 libc_nonshared.a )" >/native/rust/host/libc.so
for name in Scrt1.o crt1.o crti.o crtn.o crtbegin.o crtbeginS.o crtend.o crtendS.o libgcc.a libc_nonshared.a; do
    cp -L "$(gcc -print-file-name="$name")" /native/rust/host/
done

# Cargo asks for names of hosts; the C library opens these for it.
for name in libnss_dns.so.2 libnss_files.so.2 libresolv.so.2; do
    cp -L "$(gcc -print-file-name="$name")" /native/lib/
done

cp /layerwright/inside/rustc.sh /native/rust/rustc
cp /layerwright/inside/rustc.sh /native/rust/for-cargo
cp /layerwright/inside/cargo.sh /native/rust/cargo
cp /layerwright/inside/hostcc.sh /native/rust/hostcc
chmod 755 /native/rust/rustc /native/rust/for-cargo /native/rust/cargo /native/rust/hostcc
cat >/native/rust/environment.sh <<END
export CARGO_BUILD_TARGET=$TARGET LAYERWRIGHT_RUST_HOST=$HOST PYO3_CROSS_LIB_DIR=/var/lang/lib
export CARGO_TARGET_$(echo "$TARGET" | tr a-z- A-Z_)_LINKER=/native/bin/cc
export CARGO_TARGET_$(echo "$HOST" | tr a-z- A-Z_)_LINKER=/native/rust/hostcc
END
