# kit looks for modules below /usr/lib.
if [ -d "$OUT/lib" ]; then
    mkdir -p "$OUT/usr/lib"
    cp -R "$OUT/lib/." "$OUT/usr/lib"
    rm -r "$OUT/lib"
fi
