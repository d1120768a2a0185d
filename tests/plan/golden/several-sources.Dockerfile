# tesseract-5.5.0-arm64: public.ecr.aws/sam/build-provided.al2023:latest-arm64
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


# step 1: packages cmake libjpeg-turbo-devel libpng-devel libtiff-devel libwebp-devel ninja-build zlib-devel
FROM step-0 AS step-1
RUN --mount=type=bind,source=inside/environment.sh,target=/layerwright/inside/environment.sh \
    --mount=type=bind,source=inside/packages.sh,target=/layerwright/inside/packages.sh \
    --mount=type=secret,id=layerwright-environment \
    --mount=type=secret,id=layerwright-ca \
    --mount=type=cache,id=layerwright-al2023-arm64-packages,target=/var/cache/dnf,sharing=locked --mount=type=cache,id=layerwright-al2023-arm64-packages-2,target=/var/cache/yum,sharing=locked \
    sh /layerwright/inside/packages.sh "dnf install -y --setopt=install_weak_deps=0 --setopt=keepcache=1" \
    cmake libjpeg-turbo-devel libpng-devel libtiff-devel libwebp-devel ninja-build zlib-devel


# step 2: leptonica, built with cmake
FROM step-1 AS step-2
ADD sources/leptonica.tar /layerwright/sources/leptonica/
ARG LAYERWRIGHT_AGAIN
RUN --network=none --mount=type=bind,source=inside,target=/layerwright/inside \
    sh /layerwright/inside/systems/cmake.sh leptonica -GNinja -DBUILD_SHARED_LIBS=ON -DBUILD_PROG=OFF -DENABLE_GIF=OFF -DENABLE_OPENJPEG=OFF


# step 3: tesseract, built with cmake
FROM step-2 AS step-3
ADD sources/tesseract.tar /layerwright/sources/tesseract/
ARG LAYERWRIGHT_AGAIN
RUN --network=none --mount=type=bind,source=inside,target=/layerwright/inside \
    sh /layerwright/inside/systems/cmake.sh tesseract -GNinja -DBUILD_SHARED_LIBS=ON -DBUILD_TRAINING_TOOLS=OFF -DDISABLE_ARCHIVE=ON -DDISABLE_CURL=ON -DENABLE_NATIVE=OFF


# libraries that Amazon Linux 2023 on Lambda lacks
FROM step-3 AS tree
RUN --network=none --mount=type=bind,source=inside,target=/layerwright/inside \
    --mount=type=bind,source=bin,target=/layerwright/bin \
    LD_LIBRARY_PATH= /usr/bin/python3 /layerwright/inside/libraries.py /layerwright/inside/provided.txt /layerwright/inside/dlopened.txt /layerwright/out "$PREFIX"

# what leaves the container
FROM scratch AS result
COPY --from=tree /opt /tree/opt
COPY --from=tree /layerwright/out /tree/out
