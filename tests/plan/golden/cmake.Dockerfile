# qpdf-12.2.0-x86_64: public.ecr.aws/sam/build-provided.al2023:latest-x86_64
FROM --platform=linux/amd64 public.ecr.aws/sam/build-provided.al2023:latest-x86_64 AS step-0
USER root
WORKDIR /layerwright
ENV PREFIX=/opt ARCH=x86_64 MACHINE=x86_64 RUNTIME=provided.al2023 SOURCE_DATE_EPOCH=315532800 \
    CFLAGS="-O2 -march=x86-64 -mcx16 -msahf -mpopcnt -msse4.2" CXXFLAGS="-O2 -march=x86-64 -mcx16 -msahf -mpopcnt -msse4.2" CPPFLAGS=-I/opt/include \
    LDFLAGS="-L/opt/lib -Wl,--as-needed" PKG_CONFIG_PATH=/opt/lib/pkgconfig LAYERWRIGHT_CA_OPTION=--setopt=amazonlinux.sslcacert= \
    LAYERWRIGHT_GOARCH=amd64
RUN --mount=type=bind,source=inside/environment.sh,target=/layerwright/inside/environment.sh \
    --mount=type=bind,source=inside/packages.sh,target=/layerwright/inside/packages.sh \
    --mount=type=secret,id=layerwright-environment \
    --mount=type=secret,id=layerwright-ca \
    --mount=type=cache,id=layerwright-al2023-x86_64-packages,target=/var/cache/dnf,sharing=locked --mount=type=cache,id=layerwright-al2023-x86_64-packages-2,target=/var/cache/yum,sharing=locked \
    sh /layerwright/inside/packages.sh "dnf install -y --setopt=install_weak_deps=0 --setopt=keepcache=1" \
    cmp=diffutils find=findutils


# step 1: packages cmake libjpeg-turbo-devel ninja-build zlib-devel
FROM step-0 AS step-1
RUN --mount=type=bind,source=inside/environment.sh,target=/layerwright/inside/environment.sh \
    --mount=type=bind,source=inside/packages.sh,target=/layerwright/inside/packages.sh \
    --mount=type=secret,id=layerwright-environment \
    --mount=type=secret,id=layerwright-ca \
    --mount=type=cache,id=layerwright-al2023-x86_64-packages,target=/var/cache/dnf,sharing=locked --mount=type=cache,id=layerwright-al2023-x86_64-packages-2,target=/var/cache/yum,sharing=locked \
    sh /layerwright/inside/packages.sh "dnf install -y --setopt=install_weak_deps=0 --setopt=keepcache=1" \
    cmake libjpeg-turbo-devel ninja-build zlib-devel


# step 2: qpdf, built with cmake
FROM step-1 AS step-2
ADD sources/qpdf.tar /layerwright/sources/qpdf/
ARG LAYERWRIGHT_AGAIN
RUN --network=none --mount=type=bind,source=inside,target=/layerwright/inside \
    sh /layerwright/inside/systems/cmake.sh qpdf -GNinja -DBUILD_STATIC_LIBS=OFF -DBUILD_DOC=OFF -DINSTALL_EXAMPLES=OFF -DUSE_IMPLICIT_CRYPTO=OFF -DREQUIRE_CRYPTO_NATIVE=ON


# libraries that Amazon Linux 2023 on Lambda lacks
FROM step-2 AS tree
RUN --network=none --mount=type=bind,source=inside,target=/layerwright/inside \
    --mount=type=bind,source=bin,target=/layerwright/bin \
    LD_LIBRARY_PATH= /usr/bin/python3 /layerwright/inside/libraries.py /layerwright/inside/provided.txt /layerwright/inside/dlopened.txt /layerwright/out "$PREFIX"

# what leaves the container
FROM scratch AS result
COPY --from=tree /opt /tree/opt
COPY --from=tree /layerwright/out /tree/out
