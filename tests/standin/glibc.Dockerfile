# An image that functions run in, with the glibc of Debian 12, 2.36, in the place of Debian 11's, 2.31. For the tests of what
# needs more than 2.31 and no more than the 2.34 of Amazon Linux 2023: the check `glibc` tells the second, these tests the rest.
FROM run
ARG TARGETARCH
LABEL layerwright.standin="Debian 11 with Debian 12's glibc in the place of Amazon Linux 2023; for tests, not for use"
COPY libc6-${TARGETARCH} /usr/lib64/
