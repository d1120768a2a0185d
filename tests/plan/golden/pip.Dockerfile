# psycopg2-2.9.13-python3.13-arm64: public.ecr.aws/sam/build-python3.13:latest-arm64
FROM --platform=linux/arm64 public.ecr.aws/sam/build-python3.13:latest-arm64 AS step-0
USER root
WORKDIR /layerwright
ENV PREFIX=/opt ARCH=arm64 MACHINE=aarch64 RUNTIME=python3.13 SOURCE_DATE_EPOCH=315532800 \
    CFLAGS="-O2 -march=armv8.2-a" CXXFLAGS="-O2 -march=armv8.2-a" CPPFLAGS=-I/opt/include \
    LDFLAGS="-L/opt/lib -Wl,--as-needed" PKG_CONFIG_PATH=/opt/lib/pkgconfig LAYERWRIGHT_CA_OPTION=--setopt=amazonlinux.sslcacert= \
    LAYERWRIGHT_GOARCH=arm64

# step 1: packages libpq-devel
FROM step-0 AS step-1
RUN --mount=type=bind,source=inside/environment.sh,target=/layerwright/inside/environment.sh \
    --mount=type=bind,source=inside/packages.sh,target=/layerwright/inside/packages.sh \
    --mount=type=secret,id=layerwright-environment \
    --mount=type=secret,id=layerwright-ca \
    --mount=type=cache,id=layerwright-al2023-arm64-packages,target=/var/cache/dnf,sharing=locked --mount=type=cache,id=layerwright-al2023-arm64-packages-2,target=/var/cache/yum,sharing=locked \
    sh /layerwright/inside/packages.sh "dnf install -y --setopt=install_weak_deps=0 --setopt=keepcache=1" \
    libpq-devel


# psycopg2 2.9.13, from its sdist
FROM step-1 AS source-psycopg2
ADD sdists/psycopg2.tar /layerwright/sources/sdist/

FROM source-psycopg2 AS wheel-psycopg2
ARG LAYERWRIGHT_AGAIN
RUN --network=none --mount=type=bind,source=inside,target=/layerwright/inside \
    --mount=type=bind,source=bin,target=/layerwright/bin --mount=type=bind,source=requirements,target=/layerwright/requirements \
    . /layerwright/inside/environment.sh && cd "$(source_folder sdist)" && \
    CFLAGS="$(python_flags /var/lang/bin/python3.13) -march=armv8.2-a" && export CFLAGS CXXFLAGS="$CFLAGS" && \
    sh /layerwright/inside/wheel.sh /var/lang/bin/python3.13 /layerwright/bin/uv build --wheel --no-sources --no-config --no-cache --python /var/lang/bin/python3.13 --out-dir /layerwright/out \
    --offline --no-index --find-links /layerwright/requirements . && \
    LD_LIBRARY_PATH=/var/lang/lib /var/lang/bin/python3.13 /layerwright/inside/libraries.py /layerwright/inside/provided.txt /layerwright/inside/dlopened.txt /layerwright/out "$PREFIX" /layerwright/out/*.whl


# what leaves the container
FROM scratch AS result
COPY --from=wheel-psycopg2 /layerwright/out /wheel-psycopg2/out
