# go-extension-1.0.0-arm64: public.ecr.aws/sam/build-python3.13:latest-arm64
FROM --platform=linux/arm64 public.ecr.aws/sam/build-python3.13:latest-arm64 AS step-0
USER root
WORKDIR /layerwright
ENV PREFIX=/opt ARCH=arm64 MACHINE=aarch64 RUNTIME=python3.13 SOURCE_DATE_EPOCH=315532800 \
    CFLAGS="-O2 -march=armv8.2-a" CXXFLAGS="-O2 -march=armv8.2-a" CPPFLAGS=-I/opt/include \
    LDFLAGS="-L/opt/lib -Wl,--as-needed" PKG_CONFIG_PATH=/opt/lib/pkgconfig LAYERWRIGHT_CA_OPTION=--setopt=amazonlinux.sslcacert= \
    LAYERWRIGHT_GOARCH=arm64

# step 1: packages golang
FROM step-0 AS step-1-packages
RUN --mount=type=bind,source=inside/environment.sh,target=/layerwright/inside/environment.sh \
    --mount=type=bind,source=inside/packages.sh,target=/layerwright/inside/packages.sh \
    --mount=type=secret,id=layerwright-environment \
    --mount=type=secret,id=layerwright-ca \
    --mount=type=cache,id=layerwright-al2023-arm64-packages,target=/var/cache/dnf,sharing=locked --mount=type=cache,id=layerwright-al2023-arm64-packages-2,target=/var/cache/yum,sharing=locked \
    sh /layerwright/inside/packages.sh "dnf install -y --setopt=install_weak_deps=0 --setopt=keepcache=1" \
    golang


# step 1: extensions/log-requests, in Go from .
# the modules of step-1, of which nothing runs yet
FROM step-1-packages AS fetched-step-1
ADD go-1.tar /layerwright/go/01/
ARG LAYERWRIGHT_AGAIN
RUN --mount=type=bind,source=inside,target=/layerwright/inside \
    --mount=type=secret,id=layerwright-environment \
    --mount=type=secret,id=layerwright-ca \
    --mount=type=secret,id=layerwright-indexes \
    PACKAGE=. FILE=extensions/log-requests TAGS='' LINKER='-s -w -buildid= '"'"'-X=main.version=1.0.0'"'"'' CGO_ENABLED=0 sh /layerwright/inside/go.sh download /layerwright/go/01

FROM fetched-step-1 AS step-1
ARG LAYERWRIGHT_AGAIN
RUN --network=none --mount=type=bind,source=inside,target=/layerwright/inside \
    PACKAGE=. FILE=extensions/log-requests TAGS='' LINKER='-s -w -buildid= '"'"'-X=main.version=1.0.0'"'"'' CGO_ENABLED=0 sh /layerwright/inside/go.sh build /layerwright/go/01


# libraries that Amazon Linux 2023 on Lambda lacks
FROM step-1 AS tree
RUN --network=none --mount=type=bind,source=inside,target=/layerwright/inside \
    --mount=type=bind,source=bin,target=/layerwright/bin \
    LD_LIBRARY_PATH=/var/lang/lib /var/lang/bin/python3.13 /layerwright/inside/libraries.py /layerwright/inside/provided.txt /layerwright/inside/dlopened.txt /layerwright/out "$PREFIX"

# what leaves the container
FROM scratch AS result
COPY --from=tree /opt /tree/opt
COPY --from=tree /layerwright/out /tree/out
