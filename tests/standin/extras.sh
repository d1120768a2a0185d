# What maintainer scripts of Debian's packages, or Amazon's own packages, would make: a folder for each RPM in $2.
# $1: Debian's architecture. $2: where to. $3: Debian's packages.
set -eu
case "$1" in
    amd64) machine=x86_64 ;;
    arm64) machine=aarch64 ;;
esac
out=$2
debs=$3
put() {  # package, path, target of a symbolic link
    mkdir -p "$out/$1/$(dirname "$2")"
    ln -sfn "$3" "$out/$1/$2"
}
text() {  # package, path: the standard input
    mkdir -p "$out/$1/$(dirname "$2")"
    cat >"$out/$1/$2"
}

put bash usr/bin/sh bash
put gawk usr/bin/awk gawk
put gcc usr/bin/cc gcc
put gcc-c++ usr/bin/c++ g++
put golang usr/lib/golang go-1.15
for name in clang clang++; do put clang "usr/bin/$name" "$name-16"; done
put lld usr/bin/ld.lld ld.lld-16
for file in $(dpkg-deb --fsys-tarfile "$debs"/llvm-16_*.deb | tar -t | sed -n 's#^\./usr/bin/\(llvm-[a-z-]*\)-16$#\1#p'); do
    put llvm "usr/bin/$file" "$file-16"
done
put openblas usr/lib64/libopenblas.so.0 openblas-pthread/libopenblas.so.0
put openblas-devel usr/lib64/libopenblas.so openblas-pthread/libopenblas.so
put openblas-devel usr/lib64/pkgconfig/openblas.pc ../openblas-pthread/pkgconfig/openblas.pc

bundle=etc/pki/ca-trust/extracted/pem/tls-ca-bundle.pem
dpkg-deb --fsys-tarfile "$debs"/ca-certificates_*.deb | tar -x -C "$out" ./usr/share/ca-certificates
cat "$out"/usr/share/ca-certificates/mozilla/*.crt | text ca-certificates "$bundle"
rm -rf "$out/usr"
put ca-certificates etc/pki/tls/certs/ca-bundle.crt "/$bundle"
put ca-certificates etc/pki/tls/cert.pem "/$bundle"
put ca-certificates etc/ssl/certs/ca-bundle.crt "/$bundle"
put ca-certificates etc/ssl/certs/ca-certificates.crt "/$bundle"
put ca-certificates usr/lib/ssl/cert.pem "/$bundle"

for folder in bin sbin lib lib64; do put filesystem "$folder" "usr/$folder"; done
put filesystem "usr/lib/$machine-linux-gnu" ../lib64
text setup etc/passwd <<END
root:x:0:0:root:/root:/bin/bash
bin:x:1:1:bin:/bin:/sbin/nologin
daemon:x:2:2:daemon:/sbin:/sbin/nologin
nobody:x:65534:65534:Kernel Overflow User:/:/sbin/nologin
END
text setup etc/group <<END
root:x:0:
bin:x:1:
daemon:x:2:
nobody:x:65534:
END
text setup etc/nsswitch.conf <<END
passwd: files
group: files
hosts: files dns
END
text system-release etc/os-release <<END
NAME="Amazon Linux"
VERSION="2023"
ID="amzn"
ID_LIKE="fedora"
VERSION_ID="2023"
PRETTY_NAME="Amazon Linux 2023 (a stand-in, made of Debian 11)"
END
echo "Amazon Linux release 2023 (Amazon Linux)" | text system-release etc/system-release
echo 2023.8.20250818 | text system-release etc/dnf/vars/releasever
text system-release etc/yum.repos.d/amazonlinux.repo <<END
[amazonlinux]
name=Amazon Linux 2023 repository
baseurl=file:///usr/share/standin/repository
enabled=1
gpgcheck=0
END
text dnf-data etc/dnf/dnf.conf <<END
[main]
gpgcheck=0
installonly_limit=3
clean_requirements_on_remove=True
best=True
skip_if_unavailable=False
END
text which usr/bin/which <<'END'
#!/bin/sh
for name; do command -v "$name" || exit 1; done
END
chmod 755 "$out/which/usr/bin/which"
text dnf usr/lib/python3/dist-packages/dnf-plugins/triggers.py <triggers.py
