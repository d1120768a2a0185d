# Removes libraries from an image, given by the beginning of their names.
for name; do
    rm -f /lib*/"$name"* /usr/lib*/"$name"* /usr/lib/*/"$name"* /lib/*/"$name"*
done
