#!/bin/sh
# The same contract as Amazon's: the handler is the first argument; without a runtime API, the emulator starts it.
if [ -n "$1" ]; then
    export _HANDLER="$1"
fi
if [ -z "$AWS_LAMBDA_RUNTIME_API" ]; then
    exec /usr/local/bin/aws-lambda-rie /var/runtime/bootstrap
fi
exec /var/runtime/bootstrap
