# RPMs of Amazon Linux's kind, made from Debian's packages: kept as an image, by what they are made of. See rpms.py.
ARG REGISTRY

FROM --platform=linux/amd64 ${REGISTRY}/standin/base:amd64 AS maker
RUN apt-get update -qq && DEBIAN_FRONTEND=noninteractive apt-get -o Dpkg::Options::=--force-unsafe-io install -qq -y \
    --no-install-recommends cpio createrepo-c dnf python3 rpm zstd >/dev/null && \
    mkdir -p /etc/rpm && printf '%%_dbpath /var/lib/rpm\n%%_db_backend sqlite\n' >/etc/rpm/macros && dpkg --add-architecture arm64

FROM --platform=linux/amd64 maker AS made
ARG TARGETARCH
COPY packages.tsv /standin/
# As if nothing were installed, so that all comes; libquadmath, which arm64 has not, comes with Fortran.
RUN mkdir -p /debs/partial && apt-get update -qq && apt-get install -qq -y --download-only --no-install-recommends \
    -o APT::Architecture=${TARGETARCH} -o Dir::State::status=/dev/null -o Dir::Cache::archives=/debs \
    $(cut -f 2 /standin/packages.tsv | tr ' ' '\n' | sed 's/^[+&]//; /^-*$/d; /^libquadmath0$/d' | sort -u) >/dev/null
COPY rpms.py extras.sh triggers.py /standin/
COPY --from=coreutils / /extra/coreutils-single/
RUN cd /standin && sh extras.sh ${TARGETARCH} /extra /debs && python3 rpms.py /debs packages.tsv /extra /rpms && createrepo_c -q /rpms

FROM scratch AS rpms
COPY --from=made /rpms /usr/share/standin/repository
