# Starts each program, given by its path below /opt, with --version, -version and --help in turn until it ends without an
# error, all symbols bound at once, and has the loader resolve each library, given after `--`. Only failures of the loader
# and of the processor count, because not every program has these options. Prints how many were tried, and had no time.
limit=5 most=30
began=$(date +%s)
if command -v timeout >/dev/null; then limited="timeout -k 1 $limit"; else limited=; fi
started=0 resolved=0 late=0 failed=

fails() {  # path, output, exit code
    printf '%s: %s\nexit code %s\n' "$1" "$2" "$3" >&2
    exit 1
}

refused() {  # output: whether the loader refused a file
    case "$1" in
        *"error while loading shared"* | *"version \`"*"' not found"* | *"symbol lookup error"*) return 0 ;;
    esac
    return 1
}

start() {  # path
    works=
    for option in --version -version --help; do
        output=$(LD_BIND_NOW=1 $limited "/opt/$1" "$option" </dev/null 2>&1) && code=0 || code=$?
        if refused "$output"; then fails "$1" "$output" 127; fi
        case "$code" in 0 | 124) works=yes; break ;; esac
        if [ "$code" -lt 126 ]; then works=yes; else failed=$output failed_code=$code; fi
    done
    [ "$works" ] || fails "$1" "$failed" "$failed_code"
    started=$((started + 1))
}

resolve() {  # path
    output=$(LD_TRACE_LOADED_OBJECTS=1 LD_WARN=yes "$loader" "/opt/$1" </dev/null 2>&1) || true
    case "$output" in *"not found"*) fails "$1" "$(echo "$output" | grep "not found")" 127 ;; esac
    resolved=$((resolved + 1))
}

for loader in /lib64/ld-linux-x86-64.so.2 /lib/ld-linux-aarch64.so.1 none; do [ ! -x "$loader" ] || break; done
each=start
for path; do
    if [ "$path" = -- ]; then each=resolve; continue; fi
    if [ "$each" = resolve ] && [ "$loader" = none ]; then break; fi
    if [ $(($(date +%s) - began)) -ge "$most" ]; then late=$((late + 1)); continue; fi
    "$each" "$path"
done
echo "started $started resolved $resolved late $late"
