# Runs a program, "$@", that tries one thing after another and notes what it does, until it is through: whatever ends it
# early, another process goes on behind that. Prints the notes. All symbols of what is loaded are bound at once.
export LD_BIND_NOW=1
notes=/tmp/layerwright.notes
: >"$notes"
size=0 code=0
until grep -q '^\["through"' "$notes"; do
    "$@" </dev/null >&2
    code=$?
    unset LAYERWRIGHT_UNCACHED
    grep -q '^\["through"' "$notes" && break
    echo "[\"end\", $code]" >>"$notes"
    before=$size size=$(grep -c '^\["begin"' "$notes")
    if [ "$size" -le "$before" ] || [ "$size" -gt 9999 ]; then
        echo "ended with exit code $code before anything was tried" >&2
        exit 1
    fi
done
cat "$notes"
