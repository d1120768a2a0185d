# Compiles a source in /var/task with the compiler there, for the layer's jars. A test is then run; of a function the
# classes are printed, one on a line: its path, and its bytes in base64. The image has neither tar nor find.
# $1: `test` or `classes`. $2: the version of Java. $3: the file.
print_classes() {  # folder
    for path in "$1"/*; do
        if [ -d "$path" ]; then print_classes "$path"; else echo "${path#/tmp/made/} $(base64 -w 0 "$path")"; fi
    done
}
mkdir -p /tmp/made
java -jar /var/task/ecj.jar -nowarn -proc:none -source "$2" -target "$2" -d /tmp/made \
    -cp "$(echo /opt/java/lib/*.jar | tr ' ' :)" "/var/task/$3" >&2
case "$1" in
    test) exec java -cp '/tmp/made:/opt/java/lib/*' "${3%.java}" ;;
    classes) print_classes /tmp/made ;;
esac
