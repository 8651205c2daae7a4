# Before the selection of modules: $DRIVERS are DRIVER:OPTION, without which the root can't be reached. Each is a module, or part of
# the kernel by its list of such or by its configuration. $OPTIONS must be in the configuration, where there is one. $KERNEL and $IMAGE are
# the names of both and $FOR is what needs them, for people.
kernel=/src/kernel
missing=
for pair in $DRIVERS; do
    driver=${pair%:*}
    # A file's name may have hyphens where the module's has underscores.
    file=$(echo "$driver" | sed 's/_/[-_]/g')
    if [ -d "$kernel/usr/lib/modules" ]; then
        found=$(find "$kernel/usr/lib/modules" -name "$file.ko" -o -name "$file.ko.*")
        [ -z "$found" ] || continue
        ! cat "$kernel"/usr/lib/modules/*/modules.builtin 2> /dev/null | grep -q "/$file\.ko$" || continue
    fi
    ! cat "$kernel"/boot/config* 2> /dev/null | grep -q "^CONFIG_${pair#*:}=y$" || continue
    missing="$missing $pair"
done
for pair in $missing; do
    echo "${FOR-the root} of $IMAGE needs the driver ${pair%:*}, which the kernel of package $KERNEL lacks:" \
        "no module of that name, nor CONFIG_${pair#*:}=y in its configuration" >&2
done
for option in ${OPTIONS-}; do
    cat "$kernel"/boot/config* > /tmp/config 2> /dev/null || continue
    ! grep -q "^CONFIG_$option=y$" /tmp/config || continue
    missing="$missing $option"
    echo "the root of $IMAGE is compressed so that it takes CONFIG_$option=y to read it, which the kernel of package $KERNEL" \
        "doesn't have in its configuration" >&2
done
[ -z "$missing" ]
mkdir -p /out/etc/kit
# A kernel of one piece: nothing is loaded, unless the image has asked for something.
[ -d "$kernel/usr/lib/modules" ] || [ -n "${OWN-}" ] || exit 0
