# tiny-1.0-provided.al2023-arm64: public.ecr.aws/sam/build-provided.al2023:latest-arm64

# a compiler of the engine's own architecture, for the steps below that are emulated otherwise
FROM --platform=linux/amd64 public.ecr.aws/sam/build-provided.al2023:latest-x86_64@sha256:0000000000000000000000000000000000000000000000000000000000000000 AS toolchain
USER root
ENV LAYERWRIGHT_CA_OPTION=--setopt=amazonlinux.sslcacert= MACHINE=x86_64 \
    LAYERWRIGHT_PYTHON= \
    LAYERWRIGHT_TOOLS="/bin/bash /bin/cat /bin/chmod /bin/cp /bin/grep /bin/ln /bin/ls /bin/mkdir /bin/mv /bin/rm /bin/sed /bin/sh /usr/bin/awk /usr/bin/basename /usr/bin/cut /usr/bin/dirname /usr/bin/expr /usr/bin/head /usr/bin/install /usr/bin/make /usr/bin/sort /usr/bin/tail /usr/bin/touch /usr/bin/tr /usr/bin/uniq /usr/bin/wc /usr/bin/cargo /usr/bin/rustc"
RUN --mount=type=bind,source=inside/environment.sh,target=/layerwright/inside/environment.sh \
    --mount=type=bind,source=inside/packages.sh,target=/layerwright/inside/packages.sh \
    --mount=type=secret,id=layerwright-environment \
    --mount=type=secret,id=layerwright-ca \
    --mount=type=cache,id=layerwright-al2023-x86_64-packages,target=/var/cache/dnf,sharing=locked --mount=type=cache,id=layerwright-al2023-x86_64-packages-2,target=/var/cache/yum,sharing=locked \
    sh /layerwright/inside/packages.sh "dnf install -y --setopt=install_weak_deps=0 --setopt=keepcache=1" \
    clang lld llvm cargo rust

RUN --network=none --mount=type=bind,source=inside,target=/layerwright/inside \
    --mount=type=bind,source=bin,target=/layerwright/bin \
    sh /layerwright/inside/toolchain.sh aarch64-linux-gnu

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


# step 1: packages cargo
FROM step-0 AS step-1-packages
RUN --mount=type=bind,source=inside/environment.sh,target=/layerwright/inside/environment.sh \
    --mount=type=bind,source=inside/packages.sh,target=/layerwright/inside/packages.sh \
    --mount=type=secret,id=layerwright-environment \
    --mount=type=secret,id=layerwright-ca \
    --mount=type=cache,id=layerwright-al2023-arm64-packages,target=/var/cache/dnf,sharing=locked --mount=type=cache,id=layerwright-al2023-arm64-packages-2,target=/var/cache/yum,sharing=locked \
    sh /layerwright/inside/packages.sh "dnf install -y --setopt=install_weak_deps=0 --setopt=keepcache=1" \
    cargo


# step 1: hexyl 0.16.0, built with cargo
# the crates of step-1, of which nothing runs yet
FROM step-1-packages AS fetched-step-1
ADD cargo.tar /layerwright/cargo/
ARG LAYERWRIGHT_AGAIN
RUN --mount=type=bind,source=inside,target=/layerwright/inside \
    --mount=type=secret,id=layerwright-environment \
    --mount=type=secret,id=layerwright-ca \
    --mount=type=secret,id=layerwright-indexes \
    --mount=type=bind,from=toolchain,source=/native,target=/native \
    --mount=type=bind,from=toolchain,source=/native/tools/bash,target=/bin/bash \
    --mount=type=bind,from=toolchain,source=/native/tools/cat,target=/bin/cat \
    --mount=type=bind,from=toolchain,source=/native/tools/chmod,target=/bin/chmod \
    --mount=type=bind,from=toolchain,source=/native/tools/cp,target=/bin/cp \
    --mount=type=bind,from=toolchain,source=/native/tools/grep,target=/bin/grep \
    --mount=type=bind,from=toolchain,source=/native/tools/ln,target=/bin/ln \
    --mount=type=bind,from=toolchain,source=/native/tools/ls,target=/bin/ls \
    --mount=type=bind,from=toolchain,source=/native/tools/mkdir,target=/bin/mkdir \
    --mount=type=bind,from=toolchain,source=/native/tools/mv,target=/bin/mv \
    --mount=type=bind,from=toolchain,source=/native/tools/rm,target=/bin/rm \
    --mount=type=bind,from=toolchain,source=/native/tools/sed,target=/bin/sed \
    --mount=type=bind,from=toolchain,source=/native/tools/sh,target=/bin/sh \
    --mount=type=bind,from=toolchain,source=/native/tools/awk,target=/usr/bin/awk \
    --mount=type=bind,from=toolchain,source=/native/tools/basename,target=/usr/bin/basename \
    --mount=type=bind,from=toolchain,source=/native/tools/cut,target=/usr/bin/cut \
    --mount=type=bind,from=toolchain,source=/native/tools/dirname,target=/usr/bin/dirname \
    --mount=type=bind,from=toolchain,source=/native/tools/expr,target=/usr/bin/expr \
    --mount=type=bind,from=toolchain,source=/native/tools/head,target=/usr/bin/head \
    --mount=type=bind,from=toolchain,source=/native/tools/install,target=/usr/bin/install \
    --mount=type=bind,from=toolchain,source=/native/tools/make,target=/usr/bin/make \
    --mount=type=bind,from=toolchain,source=/native/tools/sort,target=/usr/bin/sort \
    --mount=type=bind,from=toolchain,source=/native/tools/tail,target=/usr/bin/tail \
    --mount=type=bind,from=toolchain,source=/native/tools/touch,target=/usr/bin/touch \
    --mount=type=bind,from=toolchain,source=/native/tools/tr,target=/usr/bin/tr \
    --mount=type=bind,from=toolchain,source=/native/tools/uniq,target=/usr/bin/uniq \
    --mount=type=bind,from=toolchain,source=/native/tools/wc,target=/usr/bin/wc \
    --mount=type=bind,from=toolchain,source=/native/rust/cargo,target=/usr/bin/cargo \
    --mount=type=bind,from=toolchain,source=/native/rust/rustc,target=/usr/bin/rustc \
    sh /layerwright/inside/crates.sh fetch hexyl-0.16.0 43d56dd04872b6c6d429f18d2e03df95f853feb618c7cd8bf22d0e6851ce5ef8

FROM fetched-step-1 AS step-1
ARG LAYERWRIGHT_AGAIN
RUN --network=none --mount=type=bind,source=inside,target=/layerwright/inside \
    --mount=type=bind,from=toolchain,source=/native,target=/native \
    --mount=type=bind,from=toolchain,source=/native/tools/bash,target=/bin/bash \
    --mount=type=bind,from=toolchain,source=/native/tools/cat,target=/bin/cat \
    --mount=type=bind,from=toolchain,source=/native/tools/chmod,target=/bin/chmod \
    --mount=type=bind,from=toolchain,source=/native/tools/cp,target=/bin/cp \
    --mount=type=bind,from=toolchain,source=/native/tools/grep,target=/bin/grep \
    --mount=type=bind,from=toolchain,source=/native/tools/ln,target=/bin/ln \
    --mount=type=bind,from=toolchain,source=/native/tools/ls,target=/bin/ls \
    --mount=type=bind,from=toolchain,source=/native/tools/mkdir,target=/bin/mkdir \
    --mount=type=bind,from=toolchain,source=/native/tools/mv,target=/bin/mv \
    --mount=type=bind,from=toolchain,source=/native/tools/rm,target=/bin/rm \
    --mount=type=bind,from=toolchain,source=/native/tools/sed,target=/bin/sed \
    --mount=type=bind,from=toolchain,source=/native/tools/sh,target=/bin/sh \
    --mount=type=bind,from=toolchain,source=/native/tools/awk,target=/usr/bin/awk \
    --mount=type=bind,from=toolchain,source=/native/tools/basename,target=/usr/bin/basename \
    --mount=type=bind,from=toolchain,source=/native/tools/cut,target=/usr/bin/cut \
    --mount=type=bind,from=toolchain,source=/native/tools/dirname,target=/usr/bin/dirname \
    --mount=type=bind,from=toolchain,source=/native/tools/expr,target=/usr/bin/expr \
    --mount=type=bind,from=toolchain,source=/native/tools/head,target=/usr/bin/head \
    --mount=type=bind,from=toolchain,source=/native/tools/install,target=/usr/bin/install \
    --mount=type=bind,from=toolchain,source=/native/tools/make,target=/usr/bin/make \
    --mount=type=bind,from=toolchain,source=/native/tools/sort,target=/usr/bin/sort \
    --mount=type=bind,from=toolchain,source=/native/tools/tail,target=/usr/bin/tail \
    --mount=type=bind,from=toolchain,source=/native/tools/touch,target=/usr/bin/touch \
    --mount=type=bind,from=toolchain,source=/native/tools/tr,target=/usr/bin/tr \
    --mount=type=bind,from=toolchain,source=/native/tools/uniq,target=/usr/bin/uniq \
    --mount=type=bind,from=toolchain,source=/native/tools/wc,target=/usr/bin/wc \
    --mount=type=bind,from=toolchain,source=/native/rust/cargo,target=/usr/bin/cargo \
    --mount=type=bind,from=toolchain,source=/native/rust/rustc,target=/usr/bin/rustc \
    sh /layerwright/inside/crates.sh build bin  --  && \
    LD_LIBRARY_PATH= /usr/bin/python3 /layerwright/inside/crates.py /layerwright/cargo/metadata.json \
    "$PREFIX/share/licenses/cargo" hexyl


# libraries that Amazon Linux 2023 on Lambda lacks
FROM step-1 AS tree
RUN --network=none --mount=type=bind,source=inside,target=/layerwright/inside \
    --mount=type=bind,source=bin,target=/layerwright/bin \
    LD_LIBRARY_PATH= /usr/bin/python3 /layerwright/inside/libraries.py /layerwright/inside/provided.txt /layerwright/inside/dlopened.txt /layerwright/out "$PREFIX"

# what leaves the container
FROM scratch AS result
COPY --from=tree /opt /tree/opt
COPY --from=tree /layerwright/out /tree/out
