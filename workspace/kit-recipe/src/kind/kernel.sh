export KBUILD_BUILD_TIMESTAMP="@$SOURCE_DATE_EPOCH"
?archive mkdir source
?archive tar -x -f /src/@source@@archive@ -C source --strip-components=1 --no-same-owner
!archive cp -R --preserve=mode,timestamps /src/@source@/. source
!archive chmod -R u+w source
find /src/@config@ -type f | sort | xargs cat > fragment
cd source@directory@
make @make@ KCONFIG_ALLCONFIG=/build/fragment allnoconfig
# Every line of the fragment must have become so, else one that depends on another that isn't set goes away unnoticed.
missed=0
while IFS= read -r line; do
    case $line in
    CONFIG_*=*) name=${line%%=*} ;;
    '# CONFIG_'*' is not set') name=${line#'# '}; name=${name%' is not set'} ;;
    *) continue ;;
    esac
    found=$(grep -E "^($name=|# $name is not set\$)" .config || true)
    case "$line|$found" in
    "$line|$line" | '#'*'|') continue ;;
    *'|') found='nothing of it' ;;
    *) found="\`$found\`" ;;
    esac
    echo "fragment: \`$line\` did not take: .config has $found" >&2
    missed=$((missed + 1))
done < /build/fragment
[ "$missed" = 0 ] || { echo "$missed lines of the fragment did not take" >&2; exit 1; }
make -j"$(nproc)" @make@ bzImage
mkdir "$OUT/boot"
cp arch/x86/boot/bzImage "$OUT/boot/vmlinuz"
