//! The table in `docs/formats.md`: `KIT_REWRITE=1` writes it of what the tests of formats have seen.

#![expect(clippy::disallowed_methods, reason = "what writes the page anew is asked for by the environment")]

use kit_tests::formats;

#[test]
fn the_table_is_as_it_is_written() {
    if std::env::var_os("KIT_REWRITE").is_some() {
        formats::rewrite();
    }
    formats::check();
}
