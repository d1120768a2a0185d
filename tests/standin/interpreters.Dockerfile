# CPython and Ruby for the stand-ins, /var/lang of both architectures, compiled on amd64: kept as images of their own, by
# what they are made of, so that a change of the images around them compiles nothing.
ARG REGISTRY
ARG PYTHON=3.13

# ---- compilers for both, on amd64 ----------------------------------------------------------------------------------

FROM --platform=linux/amd64 ${REGISTRY}/standin/base:amd64 AS cross
ENV DEBIAN_FRONTEND=noninteractive
RUN dpkg --add-architecture arm64 && apt-get update -qq && \
    apt-get -o Dpkg::Options::=--force-unsafe-io install -qq -y --no-install-recommends \
    gcc g++ make pkg-config xz-utils gcc-aarch64-linux-gnu g++-aarch64-linux-gnu libc6-dev-arm64-cross
RUN for arch in amd64 arm64; do for lib in zlib1g-dev libssl-dev libffi-dev libbz2-dev liblzma-dev libsqlite3-dev \
    libreadline-dev uuid-dev; do echo $lib:$arch; done; done | \
    xargs apt-get -o Dpkg::Options::=--force-unsafe-io install -qq -y --no-install-recommends

# ---- CPython -------------------------------------------------------------------------------------------------------

FROM --platform=linux/amd64 cross AS python-sources
ARG PYTHON
ADD python${PYTHON}.orig.tar.xz /src
RUN mv /src/* /src/python

FROM --platform=linux/amd64 python-sources AS python-amd64
WORKDIR /build
RUN /src/python/configure --quiet --prefix=/var/lang --enable-shared --with-ensurepip=install --disable-test-modules \
    OPT="-DNDEBUG -O2 -Wall" CC=gcc CXX=g++ && \
    make -s -j2 >/dev/null && make -s altinstall DESTDIR=/made ENSUREPIP=install >/dev/null 2>&1

FROM --platform=linux/amd64 python-amd64 AS python-arm64
WORKDIR /cross
ARG PYTHON
RUN rm -rf /made && LD_LIBRARY_PATH=/build /src/python/configure --quiet --prefix=/var/lang --enable-shared --without-ensurepip \
    --disable-test-modules --build=x86_64-linux-gnu --host=aarch64-linux-gnu --with-build-python=/build/python \
    OPT="-DNDEBUG -O2 -Wall" ac_cv_file__dev_ptmx=yes ac_cv_file__dev_ptc=no ac_cv_buggy_getaddrinfo=no \
    PKG_CONFIG_LIBDIR=/usr/lib/aarch64-linux-gnu/pkgconfig:/usr/share/pkgconfig && \
    LD_LIBRARY_PATH=/build make -s -j2 >/dev/null && \
    LD_LIBRARY_PATH=/build make -s altinstall DESTDIR=/made >/dev/null 2>&1
# The names by which an arm64 machine calls its own compilers.
RUN grep -rlI aarch64-linux-gnu-gcc /made | xargs -r sed -i 's/aarch64-linux-gnu-gcc/gcc/g; s/aarch64-linux-gnu-g++/g++/g; s/aarch64-linux-gnu-ar/ar/g; s/aarch64-linux-gnu-readelf/readelf/g'

FROM python-${TARGETARCH} AS python-made

# ---- Ruby ----------------------------------------------------------------------------------------------------------

FROM --platform=linux/amd64 cross AS ruby-sources
RUN apt-get -o Dpkg::Options::=--force-unsafe-io install -qq -y --no-install-recommends libyaml-dev:amd64 libyaml-dev:arm64
ADD ruby3.3.orig.tar.xz /src
RUN mv /src/* /src/ruby
ENV RUBY_OPTIONS="--quiet --prefix=/var/lang --enable-shared --disable-install-doc --disable-yjit --without-gmp"

FROM --platform=linux/amd64 ruby-sources AS ruby-amd64
WORKDIR /build
RUN /src/ruby/configure $RUBY_OPTIONS CC=gcc CXX=g++ && make -s -j2 >/dev/null && make -s install DESTDIR=/made >/dev/null

FROM --platform=linux/amd64 ruby-amd64 AS ruby-arm64
WORKDIR /cross
ENV PKG_CONFIG_LIBDIR=/usr/lib/aarch64-linux-gnu/pkgconfig:/usr/share/pkgconfig PKG_CONFIG=/usr/bin/pkg-config
RUN cp -r /made/var/lang /var/lang && rm -rf /made && \
    LD_LIBRARY_PATH=/var/lang/lib /src/ruby/configure $RUBY_OPTIONS --build=x86_64-linux-gnu --host=aarch64-linux-gnu --with-baseruby=/var/lang/bin/ruby && \
    LD_LIBRARY_PATH=/var/lang/lib make -s -j2 >/dev/null
# With a Ruby at hand, `make install` would look on the web for newer gems to bring along.
RUN LD_LIBRARY_PATH=/var/lang/lib make -s install HAVE_BASERUBY=no DESTDIR=/made >/dev/null
RUN grep -rlI aarch64-linux-gnu-g /made | xargs -r sed -i 's/aarch64-linux-gnu-\(gcc\|g++\|gcc-ar\|gcc-nm\|gcc-ranlib\|ar\|nm\|ranlib\|strip\|objcopy\|objdump\|ld\|as\|readelf\)/\1/g'

FROM ruby-${TARGETARCH} AS ruby-made

# ---- what is kept --------------------------------------------------------------------------------------------------

FROM scratch AS python
COPY --from=python-made /made /

FROM scratch AS ruby
COPY --from=ruby-made /made /
