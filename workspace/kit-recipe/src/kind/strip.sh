?strip chmod -R u+w "$OUT"
?strip find "$OUT" -type f | sort | while IFS= read -r file; do
?strip     case $file in
?strip     *.a | *.o) strip --strip-debug --enable-deterministic-archives "$file" ;;
?strip     *) [ "$(head -c 4 "$file" | od -An -tx1)" != " 7f 45 4c 46" ] || strip --strip-unneeded "$file" ;;
?strip     esac
?strip done
