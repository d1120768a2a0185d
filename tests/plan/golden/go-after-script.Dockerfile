# tiny-1.0-python3.13-arm64: public.ecr.aws/sam/build-python3.13:latest-arm64
FROM --platform=linux/arm64 public.ecr.aws/sam/build-python3.13:latest-arm64 AS step-0
USER root
WORKDIR /layerwright
ENV PREFIX=/opt ARCH=arm64 MACHINE=aarch64 RUNTIME=python3.13 SOURCE_DATE_EPOCH=315532800 \
    CFLAGS="-O2 -march=armv8.2-a" CXXFLAGS="-O2 -march=armv8.2-a" CPPFLAGS=-I/opt/include \
    LDFLAGS="-L/opt/lib -Wl,--as-needed" PKG_CONFIG_PATH=/opt/lib/pkgconfig LAYERWRIGHT_CA_OPTION=--setopt=amazonlinux.sslcacert= \
    LAYERWRIGHT_GOARCH=arm64

# step 1: script
FROM step-0 AS step-1
ARG LAYERWRIGHT_AGAIN
RUN --network=none --mount=type=bind,source=inside,target=/layerwright/inside \
    --mount=type=secret,id=token \
    --mount=type=bind,source=scripts,target=/layerwright/scripts --mount=type=bind,source=recipe,target=/layerwright/recipe \
    NAME=tiny VERSION=1.0 sh /layerwright/inside/script.sh 01


# step 2: packages golang
FROM step-1 AS step-2-packages
RUN --mount=type=bind,source=inside/environment.sh,target=/layerwright/inside/environment.sh \
    --mount=type=bind,source=inside/packages.sh,target=/layerwright/inside/packages.sh \
    --mount=type=secret,id=layerwright-environment \
    --mount=type=secret,id=layerwright-ca \
    sh /layerwright/inside/packages.sh "dnf install -y --setopt=install_weak_deps=0 --setopt=keepcache=1" \
    golang


# golang, where nothing else has run
FROM step-0 AS clean-1
RUN --mount=type=bind,source=inside/environment.sh,target=/layerwright/inside/environment.sh \
    --mount=type=bind,source=inside/packages.sh,target=/layerwright/inside/packages.sh \
    --mount=type=secret,id=layerwright-environment \
    --mount=type=secret,id=layerwright-ca \
    --mount=type=cache,id=layerwright-al2023-arm64-packages,target=/var/cache/dnf,sharing=locked --mount=type=cache,id=layerwright-al2023-arm64-packages-2,target=/var/cache/yum,sharing=locked \
    sh /layerwright/inside/packages.sh "dnf install -y --setopt=install_weak_deps=0 --setopt=keepcache=1" \
    golang


# step 2: bin/hello, in Go from rsc.io/hello
# the modules of step-2, of which nothing runs yet
FROM clean-1 AS fetched-step-2
ADD go-2.tar /layerwright/go/02/
ARG LAYERWRIGHT_AGAIN
RUN --mount=type=bind,source=inside,target=/layerwright/inside \
    --mount=type=secret,id=layerwright-environment \
    --mount=type=secret,id=layerwright-ca \
    --mount=type=secret,id=layerwright-indexes \
    PACKAGE=rsc.io/hello FILE=bin/hello TAGS=netgo LINKER='-s -w -buildid=' CGO_ENABLED=0 sh /layerwright/inside/go.sh download /layerwright/go/02

FROM step-2-packages AS step-2
COPY --from=fetched-step-2 /layerwright/go /layerwright/go
COPY --from=fetched-step-2 /opt /opt
ARG LAYERWRIGHT_AGAIN
RUN --network=none --mount=type=bind,source=inside,target=/layerwright/inside \
    PACKAGE=rsc.io/hello FILE=bin/hello TAGS=netgo LINKER='-s -w -buildid=' CGO_ENABLED=0 sh /layerwright/inside/go.sh build /layerwright/go/02


# libraries that Amazon Linux 2023 on Lambda lacks
FROM step-2 AS tree
RUN --network=none --mount=type=bind,source=inside,target=/layerwright/inside \
    --mount=type=bind,source=bin,target=/layerwright/bin \
    LD_LIBRARY_PATH=/var/lang/lib /var/lang/bin/python3.13 /layerwright/inside/libraries.py /layerwright/inside/provided.txt /layerwright/inside/dlopened.txt /layerwright/out "$PREFIX"

# what leaves the container
FROM scratch AS result
COPY --from=tree /opt /tree/opt
COPY --from=tree /layerwright/out /tree/out
COPY --from=tree /layerwright/outside /tree/outside

# scripts/01.sh
#   true
