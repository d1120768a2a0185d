# tiny-1.0-python3.13-x86_64: public.ecr.aws/sam/build-python3.13:latest-x86_64
FROM --platform=linux/amd64 public.ecr.aws/sam/build-python3.13:latest-x86_64 AS step-0
USER root
WORKDIR /layerwright
ENV PREFIX=/opt ARCH=x86_64 MACHINE=x86_64 RUNTIME=python3.13 SOURCE_DATE_EPOCH=315532800 \
    CFLAGS="-O2 -march=x86-64 -mcx16 -msahf -mpopcnt -msse4.2" CXXFLAGS="-O2 -march=x86-64 -mcx16 -msahf -mpopcnt -msse4.2" CPPFLAGS=-I/opt/include \
    LDFLAGS="-L/opt/lib -Wl,--as-needed" PKG_CONFIG_PATH=/opt/lib/pkgconfig LAYERWRIGHT_CA_OPTION=--setopt=amazonlinux.sslcacert= \
    LAYERWRIGHT_GOARCH=amd64

# step 1: packages cmake zlib-devel
FROM step-0 AS step-1
RUN --mount=type=bind,source=inside/environment.sh,target=/layerwright/inside/environment.sh \
    --mount=type=bind,source=inside/packages.sh,target=/layerwright/inside/packages.sh \
    --mount=type=secret,id=layerwright-environment \
    --mount=type=secret,id=layerwright-ca \
    --mount=type=cache,id=layerwright-al2023-x86_64-packages,target=/var/cache/dnf,sharing=locked --mount=type=cache,id=layerwright-al2023-x86_64-packages-2,target=/var/cache/yum,sharing=locked \
    sh /layerwright/inside/packages.sh "dnf install -y --setopt=install_weak_deps=0 --setopt=keepcache=1" \
    cmake zlib-devel


# step 2: second, built with cmake
FROM step-1 AS step-2
ADD sources/second.tar /layerwright/sources/second/
ARG LAYERWRIGHT_AGAIN
RUN --network=none --mount=type=bind,source=inside,target=/layerwright/inside \
    --mount=type=bind,source=tools,target=/layerwright/tools \
    sh /layerwright/inside/systems/cmake.sh second '-DNAME=with space'


# step 3: script
FROM step-2 AS step-3
ADD sources/first.tar /layerwright/sources/first/
ARG LAYERWRIGHT_AGAIN
RUN --mount=type=bind,source=inside,target=/layerwright/inside \
    --mount=type=secret,id=layerwright-environment \
    --mount=type=secret,id=layerwright-ca \
    --mount=type=bind,source=scripts,target=/layerwright/scripts --mount=type=bind,source=recipe,target=/layerwright/recipe \
    NAME=tiny VERSION=1.0 sh /layerwright/inside/script.sh 03 first second


# lz4 4.4.4, from its sdist
FROM step-3 AS source-lz4
ADD sdists/lz4.tar /layerwright/sources/sdist/

FROM source-lz4 AS wheel-lz4
ARG LAYERWRIGHT_AGAIN
RUN --network=none --mount=type=bind,source=inside,target=/layerwright/inside \
    --mount=type=bind,source=bin,target=/layerwright/bin --mount=type=bind,source=requirements,target=/layerwright/requirements \
    . /layerwright/inside/environment.sh && cd "$(source_folder sdist)" && \
    CFLAGS="$(python_flags /var/lang/bin/python3.13) -march=x86-64 -mcx16 -msahf -mpopcnt -msse4.2" && export CFLAGS CXXFLAGS="$CFLAGS" && \
    sh /layerwright/inside/wheel.sh /var/lang/bin/python3.13 /layerwright/bin/uv build --wheel --no-sources --no-config --no-cache --python /var/lang/bin/python3.13 --out-dir /layerwright/out \
    --offline --no-index --find-links /layerwright/requirements . && \
    LD_LIBRARY_PATH=/var/lang/lib /var/lang/bin/python3.13 /layerwright/inside/libraries.py /layerwright/inside/provided.txt /layerwright/inside/dlopened.txt /layerwright/out "$PREFIX" /layerwright/out/*.whl


# libraries that Amazon Linux 2023 on Lambda lacks
FROM step-3 AS tree
RUN --network=none --mount=type=bind,source=inside,target=/layerwright/inside \
    --mount=type=bind,source=bin,target=/layerwright/bin \
    LD_LIBRARY_PATH=/var/lang/lib /var/lang/bin/python3.13 /layerwright/inside/libraries.py /layerwright/inside/provided.txt /layerwright/inside/dlopened.txt /layerwright/out "$PREFIX"

# what leaves the container
FROM scratch AS result
COPY --from=wheel-lz4 /layerwright/out /wheel-lz4/out
COPY --from=tree /opt /tree/opt
COPY --from=tree /layerwright/out /tree/out
COPY --from=tree /layerwright/outside /tree/outside

# scripts/03.sh
#   export MODE='it'"'"'s fast'
#   sh "$RECIPE/patch.sh"
#   make -C "$SRC" install
