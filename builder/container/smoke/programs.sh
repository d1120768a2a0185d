# Starts each program, given by its path below /opt, with --version. Only failures of the loader count, because not every
# program has that option.
for program; do
    output=$("/opt/$program" --version </dev/null 2>&1) && code=0 || code=$?
    case "$output" in
        *"error while loading shared"* | *"version \`GLIBC"* | *"symbol lookup error"*) code=127 ;;
    esac
    if [ "$code" -ge 126 ]; then printf '%s: %s\nexit code %s\n' "$program" "$output" "$code" >&2; exit 1; fi
done
