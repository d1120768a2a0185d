# Compiles a source in /var/task with the compiler there, for the layer's jars. A test is then run; of a function the
# classes are printed, as a tar in base64.
# $1: `test` or `classes`. $2: the version of Java. $3: the file.
mkdir -p /tmp/made
java -jar /var/task/ecj.jar -nowarn -proc:none -source "$2" -target "$2" -d /tmp/made \
    -cp "$(echo /opt/java/lib/*.jar | tr ' ' :)" "/var/task/$3" >&2
case "$1" in
    test) exec java -cp '/tmp/made:/opt/java/lib/*' "${3%.java}" ;;
    classes) cd /tmp/made && tar -c . | base64 ;;
esac
