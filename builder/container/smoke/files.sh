# Fails if one of the files, given by their paths below /opt, cannot be read.
for file; do
    test -r "/opt/$file" || { echo "no $file" >&2; exit 1; }
done
