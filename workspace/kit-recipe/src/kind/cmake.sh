export CFLAGS="$CFLAGS -ffile-prefix-map=/src=. -ffile-prefix-map=$PWD=."
export CXXFLAGS="$CXXFLAGS -ffile-prefix-map=/src=. -ffile-prefix-map=$PWD=."
# Beside CFLAGS, a release adds what is said here.
cmake -S /src/@source@@directory@ -B target -DCMAKE_BUILD_TYPE=Release \
    -DCMAKE_C_FLAGS_RELEASE=-DNDEBUG -DCMAKE_CXX_FLAGS_RELEASE=-DNDEBUG \
    -DCMAKE_INSTALL_PREFIX=/usr -DCMAKE_INSTALL_SYSCONFDIR=/etc -DCMAKE_INSTALL_LOCALSTATEDIR=/var \
?static     -DBUILD_SHARED_LIBS=OFF \
    -DCMAKE_BUILD_RPATH_USE_ORIGIN=ON -DCMAKE_INSTALL_LIBDIR=lib @configure@
cmake --build target --parallel "$(nproc)" @--target targets@
?test ctest --test-dir target --output-on-failure --no-tests=error
DESTDIR="$OUT" cmake --install target
