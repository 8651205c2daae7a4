use super::*;

const LOCK: &str = r#"
version = 4

[[package]]
name = "own"
version = "0.1.0"
dependencies = ["libc"]

[[package]]
name = "libc"
version = "0.2.1"
source = "registry+https://registry.example/index"
checksum = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"
"#;

#[test]
fn reads_registry_crates_alone() {
    let pins = parse_cargo_lock(LOCK).unwrap();
    assert_eq!(pins.len(), 1);
    assert_eq!((pins[0].file_name(), pins[0].sha256), ("libc-0.2.1.crate".to_owned(), Sha256::of(b"")));
}

#[test]
fn refuses_what_it_can_t_fetch_or_trust() {
    let refused = |from: &str, to: &str| parse_cargo_lock(&LOCK.replace(from, to)).unwrap_err().code();
    assert_eq!(refused("registry+", "git+"), "kit::crates::source");
    assert_eq!(refused("checksum = \"e3", "checksum = \"zz"), "kit::crates::checksum");
    assert_eq!(refused("name = \"libc\"", "name = \"../libc\""), "kit::crates::name");
    assert_eq!(refused("[[package]]", "[[package"), "kit::crates::lockfile");
}

#[test]
fn copies_from_the_cache_only_what_is_pinned() {
    let home = tempfile::tempdir().unwrap();
    let dir = Dir::open_ambient_dir(home.path(), cap_std::ambient_authority()).unwrap();
    let pin = &parse_cargo_lock(LOCK).unwrap()[0];
    let mut file = tempfile::tempfile().unwrap();
    assert_eq!(copy_from_cache(pin, &dir, &mut file).unwrap_err().code(), "kit::crates::missing");
    dir.create_dir_all("registry/cache/registry.example").unwrap();
    dir.write("registry/cache/registry.example/libc-0.2.1.crate", "").unwrap();
    copy_from_cache(pin, &dir, &mut file).unwrap();
    dir.write("registry/cache/registry.example/libc-0.2.1.crate", "other").unwrap();
    assert_eq!(copy_from_cache(pin, &dir, &mut file).unwrap_err().code(), "kit::fetch::digest_mismatch");
}
