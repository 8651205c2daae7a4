export CFLAGS="$CFLAGS -ffile-prefix-map=$PWD=." CXXFLAGS="$CXXFLAGS -ffile-prefix-map=$PWD=."
# With the times of the sources, by which make tells what is up to date.
cp -R --preserve=mode,timestamps /src/@source@/. source
chmod -R u+w source
cd source@directory@
make -j"$(nproc)" PREFIX=/usr prefix=/usr @make@ @targets@
?test make PREFIX=/usr prefix=/usr @make@ check
?bin mkdir -p "$OUT/usr/bin"
?bin cp @bin@ "$OUT/usr/bin/"
?install make PREFIX=/usr prefix=/usr @make@ DESTDIR="$OUT" @install@
!install !bin make PREFIX=/usr prefix=/usr @make@ DESTDIR="$OUT" install
