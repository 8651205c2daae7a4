# /src/kernel has /usr/lib/modules/RELEASE; $MODULES are names in the order in which they are wanted. $OPTIONAL are taken after them
# where the kernel has them: a machine may lack what they are for.
release=$(ls /src/kernel/usr/lib/modules)
from=/src/kernel/usr/lib/modules/$release
work=/build/usr/lib/modules/$release
mkdir -p "$work" /out/etc/kit
cp -r "$from/." "$work"
ln -s usr/lib /build/lib
depmod -b /build "$release"

# take MARK: the files of /tmp/needed, each behind the mark in the list.
take() {
    # Lines are `insmod /build/…/x.ko` or `builtin x`, dependencies first.
    while read -r kind path rest; do
        [ "$kind" = insmod ] || continue
        file=${path#/build/lib/modules/"$release"/}
        file=${file#/build/usr/lib/modules/"$release"/}
        to=/usr/lib/modules/$release/$file
        mkdir -p "/out$(dirname "$to")"
        [ -e "/out$to" ] || { cp "$work/$file" "/out$to"; echo "$1$to" >> /out/etc/kit/modules; }
    done < /tmp/needed
}

for module in $MODULES; do
    modprobe -d /build -S "$release" --show-depends "$module" > /tmp/needed
    take ""
done
for module in ${OPTIONAL-}; do
    modprobe -d /build -S "$release" --show-depends "$module" > /tmp/needed 2> /dev/null || continue
    take "?"
done
