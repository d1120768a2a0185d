# tiny-1.0-python3.15-arm64: public.ecr.aws/lambda/python:3.15-preview
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
    . /layerwright/inside/environment.sh && cd "$(source_folder sdist)" && \
    CFLAGS="$(python_flags /var/lang/bin/python3.15) -march=armv8.2-a" && export CFLAGS CXXFLAGS="$CFLAGS" && \
    sh /layerwright/inside/wheel.sh /var/lang/bin/python3.15 /layerwright/bin/uv build --wheel --no-sources --no-config --no-cache --python /var/lang/bin/python3.15 --out-dir /layerwright/out \
    --offline --no-index --find-links /layerwright/requirements . && \
    LD_LIBRARY_PATH=/var/lang/lib /var/lang/bin/python3.15 /layerwright/inside/libraries.py /layerwright/inside/provided.txt /layerwright/inside/dlopened.txt /layerwright/out "$PREFIX" /layerwright/out/*.whl


# what leaves the container
FROM scratch AS result
COPY --from=wheel-lz4 /layerwright/out /wheel-lz4/out
