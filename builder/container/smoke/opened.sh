# Prints when files of /opt were last read, a line for each: the time, as stat tells it, and the path. Runs in a container
# that has the volumes of another one, whose program has not started yet, or has ended.
# $1: `probe`, a file that is read at last: exit code 3 if the file system does not note that. stdin: paths, one a line.
cd /opt || exit
probe=${1-}
tell() { stat -c '%x %n' "$@"; }
set --
while IFS= read -r path; do
    set -- "$@" "./$path"
    if [ $# = 200 ]; then
        tell "$@"
        set --
    fi
done
[ $# = 0 ] || tell "$@"
[ -n "$probe" ] || exit 0
before=$(stat -c %x "$probe")
read -r _ <"$probe" || :
[ "$(stat -c %x "$probe")" != "$before" ] || exit 3
