# Lays dnf with a Python of its own below /root/usr/libexec/standin: what plays microdnf in images without Python.
set -eu
to=/root/usr/libexec/standin
mkdir -p "$to"
cd "$to"
for name in python3.9-minimal libpython3.9-minimal libpython3.9-stdlib libpython3.9 python3-dnf python3-hawkey python3-libdnf \
    python3-libcomps python3-rpm python3-gpg mpdecimal python3-distutils libcomps dnf; do
    rpm2cpio "$(ls /repository/"$name"-[0-9]*.rpm | head -n 1)" | cpio -idm --quiet
done
rm -rf usr/share/licenses usr/lib/python3.9/test usr/lib/python3.9/lib2to3
