# Runs a program, "$@", that tries one thing after another and notes what it does, until it is through: whatever ends it
# early, another process goes on behind that, and a line on standard error tells what each process has said. Prints the
# notes. All symbols of what is loaded are bound at once. What the shell says of signals is dropped.
export LD_BIND_NOW=1
notes=/tmp/layerwright.notes
: >"$notes"
exec 3>&2 2>/dev/null
size=0 code=0 ends=0
until grep -q '^\["through"' "$notes"; do
    "$@" </dev/null >&3 2>&3 3>&-
    code=$?
    unset LAYERWRIGHT_UNCACHED
    grep -q '^\["through"' "$notes" && break
    echo "[\"end\", $code]" >>"$notes"
    ends=$((ends + 1))
    printf '\nlayerwright-end=%s\n' "$ends" >&3
    before=$size size=$(grep -c '^\["begin"' "$notes")
    if [ "$size" -le "$before" ] || [ "$size" -gt 9999 ]; then
        echo "ended with exit code $code before anything was tried" >&3
        exit 1
    fi
done
cat "$notes"
