# Makes the sources of a Debian source package in /out, as `dpkg-source --extract` does.
# /src/orig is upstream's archive, /src/orig-NAME that of the directory NAME, /src/debian Debian's own,
# /src/diff a patch in place of it; archives are there without their top directory.

# take ARCHIVE DIRECTORY: the archive takes the place of what is there.
take() {
    rm -rf "$2"
    mkdir -p "$2"
    cp -R "$1/." "$2"
    chmod -R u+w "$2"
}

# apply NAME FILE: no fuzz, nothing applied twice, nothing asked.
apply() {
    # Some patches of a series are nothing but words.
    grep -q '^+++ ' "$2" || return 0
    if ! patch -d /out -p1 -t -F 0 -N -u -V never -g 0 --no-backup-if-mismatch -i "$2" > /tmp/patch.log 2>&1; then
        echo "$1 doesn't apply:"
        cat /tmp/patch.log
        exit 1
    fi
    echo "$1"
}

cp -R /src/orig/. /out
chmod -R u+w /out
for component in $COMPONENTS; do
    take "/src/orig-$component" "/out/$component"
done
if [ -d /src/debian/debian ] && ! [ -e /src/debian/control ]; then
    # Something stands beside the directory.
    rm -rf /out/debian
    cp -R /src/debian/. /out
    chmod -R u+w /out
elif [ -d /src/debian ]; then
    take /src/debian /out/debian
fi
if [ -d /src/diff ]; then
    for difference in /src/diff/*; do
        gzip -dc "$difference" > /tmp/diff
        apply "${difference##*/}" /tmp/diff
    done
fi

series=/out/debian/patches/series
if [ -e /out/debian/patches/debian.series ]; then
    series=/out/debian/patches/debian.series
fi
if [ -d /src/debian ] && [ -e "$series" ] && [ "$PATCHES" = applied ]; then
    # A line is the name of a patch and options, of which there is but -p1.
    while read -r name options || [ -n "$name" ]; do
        case "$name" in
        '' | '#'*) continue ;;
        esac
        case "$options" in
        '' | -p1 | '#'* | '-p1 #'*) ;;
        *)
            echo "debian/patches/$name has the options \`$options\` in its series; only -p1 is known"
            exit 1
            ;;
        esac
        if ! [ -f "/out/debian/patches/$name" ]; then
            echo "debian/patches/$name is listed in its series but isn't there"
            exit 1
        fi
        apply "debian/patches/$name" "/out/debian/patches/$name"
    done < "$series"
fi
if [ -f /out/debian/rules ]; then
    chmod a+x /out/debian/rules
fi
