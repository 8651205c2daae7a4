mkdir "$CARGO_HOME"
?crates cat > "$CARGO_HOME/config.toml" <<'END'
?crates [source.crates-io]
?crates replace-with = "vendored"
?crates [source.vendored]
?crates directory = "/src/@crates@"
?crates END
cd /src/@source@@directory@
# Named even if it is the compiler's own, so that flags don't reach what runs while it builds.
?target target=@target@
!target target=$(rustc -vV | sed -n 's/^host: //p')
cargo build --release --locked --offline --target "$target" --target-dir /build/target @--features features@ @--bin bin@
?test cargo test --release --locked --offline --target "$target" --target-dir /build/target @--features features@
mkdir -p "$OUT/usr/bin"
cd "/build/target/$target/release"
?bin cp @bin@ "$OUT/usr/bin/"
!bin find . -maxdepth 1 -type f -executable ! -name '*.so' -exec cp -t "$OUT/usr/bin" {} +
!bin [ -n "$(ls "$OUT/usr/bin")" ] || { echo 'it makes no program'; exit 1; }
