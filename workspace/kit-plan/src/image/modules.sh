# /src/kernel has /usr/lib/modules/RELEASE; $MODULES are names in the order in which they are wanted.
release=$(ls /src/kernel/usr/lib/modules)
from=/src/kernel/usr/lib/modules/$release
work=/build/usr/lib/modules/$release
mkdir -p "$work" /out/etc/kit
cp -r "$from/." "$work"
ln -s usr/lib /build/lib
depmod -b /build "$release"
for module in $MODULES; do
    # Lines are `insmod /build/…/x.ko` or `builtin x`, dependencies first.
    modprobe -d /build -S "$release" --show-depends "$module" > /tmp/needed
    while read -r kind path rest; do
        [ "$kind" = insmod ] || continue
        file=${path#/build/lib/modules/"$release"/}
        file=${file#/build/usr/lib/modules/"$release"/}
        to=/usr/lib/modules/$release/$file
        mkdir -p "/out$(dirname "$to")"
        [ -e "/out$to" ] || { cp "$work/$file" "/out$to"; echo "$to" >> /out/etc/kit/modules; }
    done < /tmp/needed
done
