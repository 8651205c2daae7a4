export CFLAGS="$CFLAGS -ffile-prefix-map=$PWD=." CXXFLAGS="$CXXFLAGS -ffile-prefix-map=$PWD=."
# With the times of the sources, by which make tells what is up to date.
cp -R --preserve=mode,timestamps /src/@source@/. source
chmod -R u+w source
cd source@directory@
[ -e configure ] || autoreconf --force --install
./configure --prefix=/usr --sysconfdir=/etc --localstatedir=/var @configure@
make -j"$(nproc)" @make@ @targets@
?test make @make@ check
?install make @make@ DESTDIR="$OUT" @install@
!install make @make@ DESTDIR="$OUT" install
