# busybox-1.38.0-arm64: public.ecr.aws/sam/build-provided.al2023:latest-arm64
FROM --platform=linux/arm64 public.ecr.aws/sam/build-provided.al2023:latest-arm64 AS step-0
USER root
WORKDIR /layerwright
ENV PREFIX=/opt ARCH=arm64 MACHINE=aarch64 RUNTIME=provided.al2023 SOURCE_DATE_EPOCH=315532800 \
    CFLAGS="-O2 -march=armv8.2-a" CXXFLAGS="-O2 -march=armv8.2-a" CPPFLAGS=-I/opt/include \
    LDFLAGS="-L/opt/lib -Wl,--as-needed" PKG_CONFIG_PATH=/opt/lib/pkgconfig LAYERWRIGHT_CA_OPTION=--setopt=amazonlinux.sslcacert= \
    LAYERWRIGHT_GOARCH=arm64
RUN --mount=type=bind,source=inside/environment.sh,target=/layerwright/inside/environment.sh \
    --mount=type=bind,source=inside/packages.sh,target=/layerwright/inside/packages.sh \
    --mount=type=secret,id=layerwright-environment \
    --mount=type=secret,id=layerwright-ca \
    --mount=type=cache,id=layerwright-al2023-arm64-packages,target=/var/cache/dnf,sharing=locked --mount=type=cache,id=layerwright-al2023-arm64-packages-2,target=/var/cache/yum,sharing=locked \
    sh /layerwright/inside/packages.sh "dnf install -y --setopt=install_weak_deps=0 --setopt=keepcache=1" \
    cmp=diffutils find=findutils


# step 1: script
FROM step-0 AS step-1
ADD sources/busybox.tar /layerwright/sources/busybox/
ARG LAYERWRIGHT_AGAIN
RUN --network=none --mount=type=bind,source=inside,target=/layerwright/inside \
    --mount=type=bind,source=scripts,target=/layerwright/scripts --mount=type=bind,source=recipe,target=/layerwright/recipe \
    NAME=busybox VERSION=1.38.0 sh /layerwright/inside/script.sh 01 busybox


# libraries that Amazon Linux 2023 on Lambda lacks
FROM step-1 AS tree
RUN --network=none --mount=type=bind,source=inside,target=/layerwright/inside \
    --mount=type=bind,source=bin,target=/layerwright/bin \
    LD_LIBRARY_PATH= /usr/bin/python3 /layerwright/inside/libraries.py /layerwright/inside/provided.txt /layerwright/inside/dlopened.txt /layerwright/out "$PREFIX"

# what leaves the container
FROM scratch AS result
COPY --from=tree /opt /tree/opt
COPY --from=tree /layerwright/out /tree/out
COPY --from=tree /layerwright/outside /tree/outside

# scripts/01.sh
#   make defconfig >/dev/null
#   # Kernel headers of Amazon Linux no longer have what these programs ask for.
#   sed -i 's/^CONFIG_TC=y/CONFIG_TC=n/' .config
#   make CC="${CC:-gcc}" HOSTCC="${CC:-gcc}" CFLAGS_busybox= SKIP_STRIP=y EXTRA_CFLAGS="$CFLAGS" -j"$JOBS" busybox
#   mkdir -p "$PREFIX/bin"
#   cp busybox "$PREFIX/bin/busybox"
#   for name in tar gzip gunzip unzip find ps less vi wget nc xargs bzip2 xz which; do ln -s busybox "$PREFIX/bin/$name"; done
