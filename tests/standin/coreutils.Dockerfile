# Amazon Linux 2023's coreutils-single: one program, and a script for each name. The same version, from GNU's source, for both
# architectures, compiled on amd64. Without kill and uptime, which are of other packages there.
ARG REGISTRY

FROM --platform=linux/amd64 ${REGISTRY}/standin/base:amd64 AS cross
RUN apt-get update -qq && DEBIAN_FRONTEND=noninteractive apt-get -o Dpkg::Options::=--force-unsafe-io install -qq -y \
    --no-install-recommends gcc libc6-dev make xz-utils gcc-aarch64-linux-gnu libc6-dev-arm64-cross

FROM --platform=linux/amd64 cross AS coreutils-amd64
ADD coreutils8.32.orig.tar.xz /src
ENV COREUTILS_OPTIONS="--quiet --enable-single-binary=shebangs --without-selinux --without-gmp --disable-nls --disable-libcap"
WORKDIR /build
RUN FORCE_UNSAFE_CONFIGURE=1 /src/*/configure $COREUTILS_OPTIONS CFLAGS=-O1 && \
    echo 'built: $(BUILT_SOURCES)' >>Makefile && make -s -j2 built >/dev/null && make -s -j2 src/coreutils >/dev/null && \
    mkdir -p /made/usr/bin && cp src/coreutils /made/usr/bin/ && strip /made/usr/bin/coreutils && \
    src/coreutils --help | sed -n '/Built-in programs:/,/^$/p' | sed 1d | tr ' ' '\n' | grep -vxE '|kill|uptime' >/names

FROM --platform=linux/amd64 coreutils-amd64 AS coreutils-arm64
WORKDIR /cross
# This version has no getdents64 for arm64. What configure found out for amd64 holds here, but for names of tools: the same libraries in the same versions.
RUN sed -n '/^## Cache variables/,/^## Output variables/p' /build/config.log | grep -E '^[a-z]+_cv_' | \
    grep -vE '^(ac_cv_(env|host|build|target|prog|path)|am_cv_prog|am_cv_CC)' >config.cache && \
    FORCE_UNSAFE_CONFIGURE=1 /src/*/configure $COREUTILS_OPTIONS --cache-file=config.cache --host=aarch64-linux-gnu CFLAGS="-O1 -DSYS_getdents=SYS_getdents64" && \
    echo 'built: $(BUILT_SOURCES)' >>Makefile && make -s -j2 built >/dev/null && make -s -j2 src/coreutils >/dev/null && \
    cp src/coreutils /made/usr/bin/ && aarch64-linux-gnu-strip /made/usr/bin/coreutils

FROM --platform=linux/amd64 coreutils-${TARGETARCH} AS coreutils-made
RUN while read -r name; do printf '#!/usr/bin/coreutils --coreutils-prog-shebang=%s\n' "$name" >"/made/usr/bin/$name"; done </names; \
    chmod 755 /made/usr/bin/*

FROM scratch AS coreutils
COPY --from=coreutils-made /made /
