# /src/kernel has /usr/lib/modules/RELEASE; $MODULES are names in the order in which they are wanted. $FIRST are taken before them, and
# $OPTIONAL after them where the kernel has them: a machine may lack what either are for.
release=$(ls /src/kernel/usr/lib/modules)
from=/src/kernel/usr/lib/modules/$release
work=/build/usr/lib/modules/$release
mkdir -p "$work" /out/etc/kit
cp -r "$from/." "$work"
# Not each kernel can load modules that are compressed, and what they are put into compresses them again.
find "$work" -type d -exec chmod u+w {} +
find "$work" -name "*.ko.gz" -exec gzip -d {} +
find "$work" -name "*.ko.xz" -exec xz -d {} +
find "$work" -name "*.ko.zst" -exec zstd -dq --rm {} +
ln -s usr/lib /build/lib
depmod -b /build "$release"

# list MARK PATH: the path behind the mark, and behind one that a machine may do without those of its kind that it builds on.
list() {
    line=$1$2
    if [ -n "$1" ]; then
        for file in $(sed -n "s|^${2#"/usr/lib/modules/$release/"}:||p" "$work/modules.dep"); do
            needed=/usr/lib/modules/$release/$file
            ! grep -q "^?$needed\( \|\$\)" /out/etc/kit/modules 2> /dev/null || line="$line $needed"
        done
    fi
    echo "$line" >> /out/etc/kit/modules
}

# take MARK: the files of /tmp/needed, each behind the mark in the list.
take() {
    # Lines are `insmod /build/…/x.ko` or `builtin x`, dependencies first.
    while read -r kind path rest; do
        [ "$kind" = insmod ] || continue
        file=${path#/build/lib/modules/"$release"/}
        file=${file#/build/usr/lib/modules/"$release"/}
        to=/usr/lib/modules/$release/$file
        mkdir -p "/out$(dirname "$to")"
        [ -e "/out$to" ] || { cp "$work/$file" "/out$to"; list "$1" "$to"; }
    done < /tmp/needed
}

for module in ${FIRST-}; do
    modprobe -d /build -S "$release" --show-depends "$module" > /tmp/needed
    take "?"
done
for module in $MODULES; do
    modprobe -d /build -S "$release" --show-depends "$module" > /tmp/needed
    take ""
done
for module in ${OPTIONAL-}; do
    modprobe -d /build -S "$release" --show-depends "$module" > /tmp/needed 2> /dev/null || continue
    take "?"
done
