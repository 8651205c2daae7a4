//! What cargo is given, and what is found without it.

use cap_std::ambient_authority;
use cap_std::fs::Dir;
use kit_hash::Sha256;

use super::{Cargo, batches, fetch_crates, lockfile, manifest, registry};
use crate::crates::{CrateHome, CratePin};
use crate::http::Network;

fn pin(name: &str, version: &str, bytes: &[u8]) -> CratePin {
    CratePin { name: name.to_owned(), version: version.to_owned(), sha256: Sha256::of(bytes) }
}

struct Machine {
    folder: tempfile::TempDir,
    scratch: Dir,
}

impl Machine {
    #[expect(clippy::disallowed_methods, reason = "the test makes its own folders")]
    fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let scratch = Dir::open_ambient_dir(folder.path(), ambient_authority()).unwrap();
        scratch.create_dir_all("home/registry/cache/one").unwrap();
        scratch.create_dir_all("home/registry/cache/two").unwrap();
        Self { folder, scratch }
    }

    fn put(&self, path: &str, bytes: &[u8]) {
        self.scratch.write(format!("home/registry/cache/{path}"), bytes).unwrap();
    }

    fn fetch(&self, program: &str, network: Network, pins: &[CratePin]) -> Result<Vec<u64>, &'static str> {
        let home = CrateHome::new(self.scratch.open_dir("home").unwrap());
        let path = self.folder.path();
        let cargo = Cargo {
            program,
            home_path: &path.join("home"),
            scratch: &self.scratch,
            scratch_path: path,
            network,
        };
        let files = fetch_crates(&cargo, &home, pins).map_err(|error| error.code())?;
        Ok(files.iter().map(|file| file.digests.size).collect())
    }
}

#[test]
fn finds_crates_without_running_cargo() {
    let machine = Machine::new();
    machine.put("one/a-1.0.0.crate", b"a");
    machine.put("one/b-2.0.0.crate", b"other registry");
    machine.put("two/b-2.0.0.crate", b"bb");
    let pins = [pin("b", "2.0.0", b"bb"), pin("a", "1.0.0", b"a")];
    assert_eq!(machine.fetch("/no/such/cargo", Network::Offline, &pins), Ok(vec![2, 1]));
}

#[test]
fn says_what_is_missing() {
    let machine = Machine::new();
    let missing = [pin("a", "1.0.0", b"a")];
    assert_eq!(machine.fetch("/no/such/cargo", Network::Offline, &missing), Err("kit::crates::offline"));
    assert_eq!(machine.fetch("/no/such/cargo", Network::Online, &missing), Err("kit::crates::no_cargo"));
    machine.put("one/a-1.0.0.crate", b"changed");
    assert_eq!(
        machine.fetch("/no/such/cargo", Network::Online, &missing),
        Err("kit::crates::digest_mismatch")
    );
}

#[test]
fn asks_for_exact_versions() {
    let pins = [pin("a", "1.0.0+b", b"a"), pin("b-c", "0.1.0-rc.1", b"b")];
    let text = manifest(&pins);
    assert!(text.contains("a = { version = \"=1.0.0\", default-features = false }\n"), "{text}");
    assert!(text.contains("b-c = { version = \"=0.1.0-rc.1\", default-features = false }\n"), "{text}");
    let text = lockfile(&pins, "registry+https://index.example");
    assert!(text.contains("version = \"1.0.0+b\"\nsource = \"registry+https://index.example\"\n"), "{text}");
    let split = batches(vec![pin("a", "1.0.0", b""), pin("a", "1.1.0", b""), pin("b", "1.0.0", b"")]);
    assert_eq!(split.iter().map(Vec::len).collect::<Vec<_>>(), [2, 1]);
}

#[test]
fn reads_the_registry_out_of_the_metadata() {
    let metadata =
        br#"{"packages": [{"dependencies": [{"name": "a", "source": "registry+https://index.example"}]}]}"#;
    assert_eq!(registry(metadata).as_deref(), Some("registry+https://index.example"));
    assert_eq!(registry(b"{}"), None);
    assert_eq!(registry(br#"{"packages": [{"dependencies": [{"source": "a\"b"}]}]}"#), None);
}
