# Stand-ins for Amazon Linux 2's images: Debian 11 in RPMs, as Dockerfile makes those of Amazon Linux 2023, behind yum 3 and with
# what is older or absent there. For tests only. docs/amazon-images.md has what differs.
ARG REGISTRY
ARG PYTHON=3.11

# ---- roots, installed by real dnf ------------------------------------------------------------------------------------

# Its coreutils are programs of their own.
FROM --platform=linux/amd64 maker AS programs
ARG TARGETARCH
WORKDIR /tmp
RUN apt-get update -qq && apt-get download -qq coreutils:${TARGETARCH} && dpkg-deb -x coreutils_*.deb /made && \
    mv /made/bin/* /made/usr/bin/ && rm -rf /made/bin /made/usr/share

FROM --platform=linux/amd64 maker AS root-run
ARG TARGETARCH
COPY root.sh yum /standin/
RUN --mount=type=bind,from=rpms,source=/usr/share/standin/repository,target=/repository sh /standin/root.sh ${TARGETARCH} filesystem setup system-release bash \
    bzip2-libs ca-certificates curl-minimal diffutils dnf-data file-libs findutils gawk glib2 glibc-common gmp gnupg2-minimal grep keyutils-libs krb5-libs \
    libacl libarchive libattr libdnf libffi libidn2 libpsl libselinux libstdc++ libuuid libxml2 libyaml lz4-libs mpfr ncurses-libs \
    openssl-snapsafe-libs pcre2 readline rpm sed sqlite-libs tzdata xz-libs
COPY --from=programs /made /root
RUN install -m 755 /standin/yum /root/usr/bin/yum && mv /root/etc/dnf/dnf.conf /root/etc/yum.conf && rm -rf /root/etc/dnf && \
    sed -i 's/^\[amazonlinux\]/[amzn2-core]/; s/Linux 2023/Linux 2/' /root/etc/yum.repos.d/amazonlinux.repo && \
    printf 'NAME="Amazon Linux"\nVERSION="2"\nID="amzn"\nID_LIKE="centos rhel fedora"\nVERSION_ID="2"\nPRETTY_NAME="Amazon Linux 2 (a stand-in, made of Debian 11)"\n' >/root/etc/os-release && \
    echo 'Amazon Linux release 2 (Karoo)' >/root/etc/system-release

FROM --platform=linux/amd64 root-run AS root-tools
ARG TARGETARCH
COPY engine.sh /standin/
RUN --mount=type=bind,from=rpms,source=/usr/share/standin/repository,target=/repository mkdir -p /root/etc/dnf && \
    sh /standin/root.sh ${TARGETARCH} autoconf automake binutils bison bzip2 file flex gcc gcc-c++ git gzip jq libtool libxslt-devel make patch \
    pkgconf-pkg-config procps-ng rsync tar unzip which xz && sh /standin/engine.sh && rm -rf /root/etc/dnf
COPY --from=programs /made /root

# The oldest Python that Debian 11 has, PyPy of 3.7, in the place of 3.8, which SAM links to python3.
FROM --platform=linux/amd64 root-tools AS root-provided
ARG TARGETARCH
RUN --mount=type=bind,from=rpms,source=/usr/share/standin/repository,target=/repository mkdir -p /root/etc/dnf && \
    sh /standin/root.sh ${TARGETARCH} pypy3 && rm -rf /root/etc/dnf && ln -sf pypy3 /root/usr/bin/python3
COPY --from=programs /made /root

# ---- what every image has ------------------------------------------------------------------------------------------

FROM scratch AS runtime
LABEL layerwright.standin="Debian 11 in the place of Amazon Linux 2; for tests, not for use"
ENV PATH=/var/lang/bin:/usr/local/bin:/usr/bin/:/bin:/opt/bin \
    LD_LIBRARY_PATH=/var/lang/lib:/lib64:/usr/lib64:/var/runtime:/var/runtime/lib:/var/task:/var/task/lib:/opt/lib \
    LANG=en_US.UTF-8 TZ=:/etc/localtime LAMBDA_TASK_ROOT=/var/task LAMBDA_RUNTIME_DIR=/var/runtime
COPY --from=root-run /root /
RUN LD_LIBRARY_PATH= /usr/sbin/ldconfig
WORKDIR /var/task

FROM rpms AS building
LABEL layerwright.standin="Debian 11 in the place of Amazon Linux 2; for tests, not for use"
ENV PATH=/root/.local/bin:/var/lang/bin:/usr/local/bin:/usr/bin/:/bin:/opt/bin:/usr/local/opt/lambda-builders/bin \
    LD_LIBRARY_PATH=/var/lang/lib:/lib64:/usr/lib64:/var/runtime:/var/runtime/lib:/var/task:/var/task/lib:/opt/lib \
    LANG=en_US.UTF-8 TZ=:/etc/localtime LAMBDA_TASK_ROOT=/var/task LAMBDA_RUNTIME_DIR=/var/runtime
CMD ["/bin/bash"]

# ---- the images ----------------------------------------------------------------------------------------------------

FROM runtime AS run-provided
ARG TARGETARCH
COPY lambda-entrypoint.sh /lambda-entrypoint.sh
COPY rie-${TARGETARCH} /usr/local/bin/aws-lambda-rie
ENTRYPOINT ["/lambda-entrypoint.sh"]

FROM building AS build-provided
COPY --from=root-provided /root /
RUN LD_LIBRARY_PATH= /usr/sbin/ldconfig
WORKDIR /var/task

# Amazon's Python brings a liblzma of its own, which programs of the system find first.
FROM run-provided AS run-python
ARG PYTHON
COPY --from=python /var/lang /var/lang
RUN ln -sf python${PYTHON} /var/lang/bin/python3 && ln -sf python3 /var/lang/bin/python && rm -rf /var/lang/lib/python*/config-* && \
    cp -L /usr/lib64/liblzma.so.5 /var/lang/lib/
ARG TARGETARCH
COPY runtime-${PYTHON}-${TARGETARCH} /var/runtime
COPY bootstrap bootstrap.py /var/runtime/

FROM building AS build-python
COPY --from=root-tools /root /
RUN LD_LIBRARY_PATH= /usr/sbin/ldconfig
WORKDIR /var/task
ARG PYTHON
COPY --from=python /var/lang /var/lang
RUN ln -sf python${PYTHON} /var/lang/bin/python3 && ln -sf python3 /var/lang/bin/python && cp -L /usr/lib64/liblzma.so.5 /var/lang/lib/ && \
    /var/lang/bin/python3 -m ensurepip && ln -sf pip${PYTHON} /var/lang/bin/pip3 && ln -sf pip3 /var/lang/bin/pip
