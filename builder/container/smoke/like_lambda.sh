# Makes an image as Lambda has it: without the libraries given by the beginning of their names, and with the user that
# functions run as, whom programs ask the system for by its number.
for name; do
    rm -f /lib*/"$name"* /usr/lib*/"$name"* /usr/lib/*/"$name"* /lib/*/"$name"*
done
known=no
while IFS=: read -r _ _ number _; do [ "$number" != 993 ] || known=yes; done </etc/passwd
[ "$known" = yes ] || echo 'sbx_user1051:x:993:990::/home/sbx_user1051:/sbin/nologin' >>/etc/passwd
