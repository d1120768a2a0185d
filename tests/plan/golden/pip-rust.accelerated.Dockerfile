# tiny-1.0-python3.13-arm64: public.ecr.aws/sam/build-python3.13:latest-arm64

# a compiler of the engine's own architecture, for the steps below that are emulated otherwise
FROM --platform=linux/amd64 public.ecr.aws/sam/build-python3.13:latest-x86_64@sha256:0000000000000000000000000000000000000000000000000000000000000000 AS toolchain
USER root
ENV LAYERWRIGHT_CA_OPTION=--setopt=amazonlinux.sslcacert= MACHINE=x86_64 \
    LAYERWRIGHT_PYTHON=/var/lang/bin/python3.13 \
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

FROM --platform=linux/arm64 public.ecr.aws/sam/build-python3.13:latest-arm64 AS step-0
USER root
WORKDIR /layerwright
ENV PREFIX=/opt ARCH=arm64 MACHINE=aarch64 RUNTIME=python3.13 SOURCE_DATE_EPOCH=315532800 \
    CFLAGS="-O2 -march=armv8.2-a" CXXFLAGS="-O2 -march=armv8.2-a" CPPFLAGS=-I/opt/include \
    LDFLAGS="-L/opt/lib -Wl,--as-needed" PKG_CONFIG_PATH=/opt/lib/pkgconfig LAYERWRIGHT_CA_OPTION=--setopt=amazonlinux.sslcacert= \
    LAYERWRIGHT_GOARCH=arm64

# step 1: packages cargo rust
FROM step-0 AS step-1
RUN --mount=type=bind,source=inside/environment.sh,target=/layerwright/inside/environment.sh \
    --mount=type=bind,source=inside/packages.sh,target=/layerwright/inside/packages.sh \
    --mount=type=secret,id=layerwright-environment \
    --mount=type=secret,id=layerwright-ca \
    --mount=type=cache,id=layerwright-al2023-arm64-packages,target=/var/cache/dnf,sharing=locked --mount=type=cache,id=layerwright-al2023-arm64-packages-2,target=/var/cache/yum,sharing=locked \
    sh /layerwright/inside/packages.sh "dnf install -y --setopt=install_weak_deps=0 --setopt=keepcache=1" \
    cargo rust


# rpds-py 0.30.0, from its sdist

# the crates and modules that locks of rpds-py name, of which nothing runs yet
FROM step-1 AS fetched-wheel-rpds-py
ADD sdists/rpds-py.tar /layerwright/sources/sdist/
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
    --mount=type=bind,from=toolchain,source=/native/lib/loader,target=/lib64/ld-linux-x86-64.so.2 \
    --mount=type=bind,from=toolchain,source=/native/python/python,target=/var/lang/bin/python3.13 \
    --mount=type=bind,from=toolchain,source=/native/python/lib-dynload,target=/var/lang/lib/python3.13/lib-dynload \
    --mount=type=bind,from=toolchain,source=/native/python/sitecustomize.py,target=/var/lang/lib/python3.13/sitecustomize.py \
    sh /layerwright/inside/fetched.sh cargo

FROM step-1 AS source-rpds-py
ADD sdists/rpds-py.tar /layerwright/sources/sdist/
COPY --from=fetched-wheel-rpds-py /layerwright/fetched /layerwright/fetched

FROM source-rpds-py AS wheel-rpds-py
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
    --mount=type=bind,from=toolchain,source=/native/rust/cargo,target=/usr/bin/cargo \
    --mount=type=bind,from=toolchain,source=/native/rust/rustc,target=/usr/bin/rustc \
    --mount=type=bind,from=toolchain,source=/native/lib/loader,target=/lib64/ld-linux-x86-64.so.2 \
    --mount=type=bind,from=toolchain,source=/native/python/python,target=/var/lang/bin/python3.13 \
    --mount=type=bind,from=toolchain,source=/native/python/lib-dynload,target=/var/lang/lib/python3.13/lib-dynload \
    --mount=type=bind,from=toolchain,source=/native/python/sitecustomize.py,target=/var/lang/lib/python3.13/sitecustomize.py \
    . /layerwright/inside/environment.sh && cd "$(source_folder sdist)" && \
    export LD_LIBRARY_PATH="${LD_LIBRARY_PATH:+$LD_LIBRARY_PATH:}/native/lib" && \
    CFLAGS="$(python_flags /var/lang/bin/python3.13) -march=armv8.2-a" && export CFLAGS CXXFLAGS="$CFLAGS" && \
    sh /layerwright/inside/wheel.sh /var/lang/bin/python3.13 /layerwright/bin/uv build --wheel --no-sources --no-config --no-cache --python /var/lang/bin/python3.13 --out-dir /layerwright/out \
    --offline --no-index --find-links /layerwright/requirements . && \
    LD_LIBRARY_PATH=/var/lang/lib /var/lang/bin/python3.13 /layerwright/inside/libraries.py /layerwright/inside/provided.txt /layerwright/inside/dlopened.txt /layerwright/out "$PREFIX" /layerwright/out/*.whl


# what leaves the container
FROM scratch AS result
COPY --from=wheel-rpds-py /layerwright/out /wheel-rpds-py/out
