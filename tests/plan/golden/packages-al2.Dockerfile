# tiny-1.0-python3.11-arm64: public.ecr.aws/sam/build-python3.11:latest-arm64
FROM --platform=linux/arm64 public.ecr.aws/sam/build-python3.11:latest-arm64 AS step-0
USER root
WORKDIR /layerwright
ENV PREFIX=/opt ARCH=arm64 MACHINE=aarch64 RUNTIME=python3.11 SOURCE_DATE_EPOCH=315532800 \
    CFLAGS="-O2 -march=armv8.2-a" CXXFLAGS="-O2 -march=armv8.2-a" CPPFLAGS=-I/opt/include \
    LDFLAGS="-L/opt/lib -Wl,--as-needed" PKG_CONFIG_PATH=/opt/lib/pkgconfig LAYERWRIGHT_CA_OPTION=--setopt=sslcacert= \
    LAYERWRIGHT_GOARCH=arm64

# step 1: packages git-core
FROM step-0 AS step-1
RUN --mount=type=bind,source=inside/environment.sh,target=/layerwright/inside/environment.sh \
    --mount=type=bind,source=inside/packages.sh,target=/layerwright/inside/packages.sh \
    --mount=type=secret,id=layerwright-environment \
    --mount=type=secret,id=layerwright-ca \
    --mount=type=cache,id=layerwright-al2-arm64-packages,target=/var/cache/yum,sharing=locked \
    sh /layerwright/inside/packages.sh "yum install -y --setopt=keepcache=1 --setopt=skip_missing_names_on_install=False" \
    git-core


# libraries that Amazon Linux 2 on Lambda lacks
FROM step-1 AS tree
RUN --network=none --mount=type=bind,source=inside,target=/layerwright/inside \
    --mount=type=bind,source=bin,target=/layerwright/bin \
    LD_LIBRARY_PATH=/var/lang/lib /var/lang/bin/python3.11 /layerwright/inside/packages.py "$PREFIX" git-core && \
    LD_LIBRARY_PATH=/var/lang/lib /var/lang/bin/python3.11 /layerwright/inside/libraries.py /layerwright/inside/provided.txt /layerwright/inside/dlopened.txt /layerwright/out "$PREFIX"

# what leaves the container
FROM scratch AS result
COPY --from=tree /opt /tree/opt
COPY --from=tree /layerwright/out /tree/out
