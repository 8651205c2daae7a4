export KBUILD_BUILD_TIMESTAMP="@$SOURCE_DATE_EPOCH"
?archive mkdir source
?archive tar -x -f /src/@source@@archive@ -C source --strip-components=1 --no-same-owner
!archive cp -R --preserve=mode,timestamps /src/@source@/. source
!archive chmod -R u+w source
find /src/@config@ -type f | sort | xargs cat > fragment
cd source@directory@
make @make@ KCONFIG_ALLCONFIG=/build/fragment allnoconfig
# A line that didn't take is an error: an option that isn't there does nothing.
find . -name 'Kconfig*' -exec sed -n 's/^[[:space:]]*\(menu\)\{0,1\}config[[:space:]]\{1,\}//p' {} + > /tmp/options
number=0 lines=0 lost=0
while IFS= read -r line; do
    number=$((number + 1))
    case $line in
    "# CONFIG_"*" is not set") option=${line#"# "} option=${option%% *} wanted=$option=n ;;
    "CONFIG_"*=*) option=${line%%=*} wanted=$line ;;
    "" | "#" | "# "[!C]* | "# C"[!O]*) continue ;;
    *) option='' wanted=$line ;;
    esac
    lines=$((lines + 1))
    is=$(grep "^$option=" .config || echo "$option=n")
    if [ -z "$option" ]; then
        problem="is neither an option nor a comment"
    elif ! grep -qx "${option#CONFIG_}" /tmp/options; then
        problem="did not take: this Linux has no such option"
    elif [ "$is" != "$wanted" ]; then
        problem="did not take: \`$is\` stands there"
    else
        continue
    fi
    echo "fragment:$number: \`$line\` $problem" >&2
    lost=$((lost + 1))
done < /build/fragment
echo "fragment: $((lines - lost)) of $lines lines took"
[ "$lost" -eq 0 ]
make -j"$(nproc)" @make@ bzImage
mkdir "$OUT/boot"
cp arch/x86/boot/bzImage "$OUT/boot/vmlinuz"
cp .config "$OUT/boot/config"
cp System.map "$OUT/boot/System.map"
