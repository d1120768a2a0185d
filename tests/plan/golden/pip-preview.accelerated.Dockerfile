# tiny-1.0-python3.15-arm64: public.ecr.aws/lambda/python:3.15-preview

# a compiler of the engine's own architecture, for the steps below that are emulated otherwise
FROM --platform=linux/amd64 public.ecr.aws/lambda/python:3.15-preview@sha256:0000000000000000000000000000000000000000000000000000000000000000 AS toolchain
USER root
ENV LAYERWRIGHT_CA_OPTION=--setopt=amazonlinux.sslcacert= MACHINE=x86_64 \
    LAYERWRIGHT_PYTHON=/var/lang/bin/python3.15 \
    LAYERWRIGHT_TOOLS="/bin/bash /bin/cat /bin/chmod /bin/cp /bin/grep /bin/ln /bin/ls /bin/mkdir /bin/mv /bin/rm /bin/sed /bin/sh /usr/bin/awk /usr/bin/basename /usr/bin/cut /usr/bin/dirname /usr/bin/expr /usr/bin/head /usr/bin/install /usr/bin/make /usr/bin/sort /usr/bin/tail /usr/bin/touch /usr/bin/tr /usr/bin/uniq /usr/bin/wc"
RUN --mount=type=bind,source=inside/environment.sh,target=/layerwright/inside/environment.sh \
    --mount=type=bind,source=inside/packages.sh,target=/layerwright/inside/packages.sh \
    --mount=type=secret,id=layerwright-environment \
    --mount=type=secret,id=layerwright-ca \
    --mount=type=cache,id=layerwright-al2023-x86_64-packages,target=/var/cache/yum,sharing=locked \
    sh /layerwright/inside/packages.sh "microdnf install -y --setopt=install_weak_deps=0 --setopt=keepcache=1" \
    clang lld llvm

RUN --network=none --mount=type=bind,source=inside,target=/layerwright/inside \
    --mount=type=bind,source=bin,target=/layerwright/bin \
    sh /layerwright/inside/toolchain.sh aarch64-linux-gnu

FROM --platform=linux/arm64 public.ecr.aws/lambda/python:3.15-preview AS step-0
USER root
WORKDIR /layerwright
ENV PREFIX=/opt ARCH=arm64 MACHINE=aarch64 RUNTIME=python3.15 SOURCE_DATE_EPOCH=315532800 \
    CFLAGS="-O2 -march=armv8.2-a" CXXFLAGS="-O2 -march=armv8.2-a" CPPFLAGS=-I/opt/include \
    LDFLAGS="-L/opt/lib -Wl,--as-needed" PKG_CONFIG_PATH=/opt/lib/pkgconfig LAYERWRIGHT_CA_OPTION=--setopt=amazonlinux.sslcacert= \
    LAYERWRIGHT_GOARCH=arm64
RUN --mount=type=bind,source=inside/environment.sh,target=/layerwright/inside/environment.sh \
    --mount=type=bind,source=inside/packages.sh,target=/layerwright/inside/packages.sh \
    --mount=type=secret,id=layerwright-environment \
    --mount=type=secret,id=layerwright-ca \
    --mount=type=cache,id=layerwright-al2023-arm64-packages,target=/var/cache/yum,sharing=locked \
    sh /layerwright/inside/packages.sh "microdnf install -y --setopt=install_weak_deps=0 --setopt=keepcache=1" \
    ld=binutils cmp=diffutils find=findutils gcc=gcc g++=gcc-c++ gzip=gzip make=make pkg-config=pkgconf-pkg-config python3=python3 tar=tar which=which


# lz4 4.4.4, from its sdist
FROM step-0 AS source-lz4
ADD sdists/lz4.tar /layerwright/sources/sdist/

FROM source-lz4 AS wheel-lz4
ARG LAYERWRIGHT_AGAIN
RUN --network=none --mount=type=bind,source=inside,target=/layerwright/inside \
    --mount=type=bind,source=bin,target=/layerwright/bin --mount=type=bind,source=requirements,target=/layerwright/requirements \
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
    --mount=type=bind,from=toolchain,source=/native/lib/loader,target=/lib64/ld-linux-x86-64.so.2 \
    --mount=type=bind,from=toolchain,source=/native/python/python,target=/var/lang/bin/python3.15 \
    --mount=type=bind,from=toolchain,source=/native/python/lib-dynload,target=/var/lang/lib/python3.15/lib-dynload \
    --mount=type=bind,from=toolchain,source=/native/python/sitecustomize.py,target=/var/lang/lib/python3.15/sitecustomize.py \
    . /layerwright/inside/environment.sh && cd "$(source_folder sdist)" && \
    export LD_LIBRARY_PATH="${LD_LIBRARY_PATH:+$LD_LIBRARY_PATH:}/native/lib" && \
    CFLAGS="$(python_flags /var/lang/bin/python3.15) -march=armv8.2-a" && export CFLAGS CXXFLAGS="$CFLAGS" && \
    sh /layerwright/inside/wheel.sh /var/lang/bin/python3.15 /layerwright/bin/uv build --wheel --no-sources --no-config --no-cache --python /var/lang/bin/python3.15 --out-dir /layerwright/out \
    --offline --no-index --find-links /layerwright/requirements . && \
    LD_LIBRARY_PATH=/var/lang/lib /var/lang/bin/python3.15 /layerwright/inside/libraries.py /layerwright/inside/provided.txt /layerwright/inside/dlopened.txt /layerwright/out "$PREFIX" /layerwright/out/*.whl


# what leaves the container
FROM scratch AS result
COPY --from=wheel-lz4 /layerwright/out /wheel-lz4/out
