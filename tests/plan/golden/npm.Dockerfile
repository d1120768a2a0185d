# better-sqlite3-12.6.2-nodejs22.x-arm64: public.ecr.aws/sam/build-nodejs22.x:latest-arm64
FROM --platform=linux/arm64 public.ecr.aws/sam/build-nodejs22.x:latest-arm64 AS step-0
USER root
WORKDIR /layerwright
ENV PREFIX=/opt ARCH=arm64 MACHINE=aarch64 RUNTIME=nodejs22.x SOURCE_DATE_EPOCH=315532800 \
    CFLAGS="-O2 -march=armv8.2-a" CXXFLAGS="-O2 -march=armv8.2-a" CPPFLAGS=-I/opt/include \
    LDFLAGS="-L/opt/lib -Wl,--as-needed" PKG_CONFIG_PATH=/opt/lib/pkgconfig LAYERWRIGHT_CA_OPTION=--setopt=amazonlinux.sslcacert= \
    LAYERWRIGHT_GOARCH=arm64

# step 1: install scripts of better-sqlite3
FROM step-0 AS step-1
ADD npm.tar /opt/nodejs/
ARG LAYERWRIGHT_AGAIN
RUN --network=none --mount=type=bind,source=inside,target=/layerwright/inside \
    --mount=type=bind,source=headers,target=/layerwright/headers \
    sh /layerwright/inside/npm.sh /opt/nodejs better-sqlite3


# libraries that Amazon Linux 2023 on Lambda lacks
FROM step-1 AS tree
RUN --network=none --mount=type=bind,source=inside,target=/layerwright/inside \
    --mount=type=bind,source=bin,target=/layerwright/bin \
    LD_LIBRARY_PATH= /usr/bin/python3 /layerwright/inside/libraries.py /layerwright/inside/provided.txt /layerwright/inside/dlopened.txt /layerwright/out "$PREFIX"

# what leaves the container
FROM scratch AS result
COPY --from=tree /opt /tree/opt
COPY --from=tree /layerwright/out /tree/out
