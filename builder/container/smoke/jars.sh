# Has the loader resolve each library that was taken out of a jar, given by its path, versions of symbols included.
# Prints `library N`, the number of the argument, and behind it what the loader does not find; nothing where there is no
# loader. Libraries of jars find each other, since Java loads one after another.
for loader in /lib64/ld-linux-x86-64.so.2 /lib/ld-linux-aarch64.so.1 none; do [ ! -x "$loader" ] || break; done
[ "$loader" != none ] || exit 0
folders=
for path; do folders=${folders:+$folders:}${path%/*}; done
number=0
for path; do
    echo "library $number"
    LD_LIBRARY_PATH=${LD_LIBRARY_PATH:+$LD_LIBRARY_PATH:}$folders LD_TRACE_LOADED_OBJECTS=1 LD_WARN=yes \
        "$loader" "$path" </dev/null 2>&1 | grep -E 'not found|error while loading'
    number=$((number + 1))
done
