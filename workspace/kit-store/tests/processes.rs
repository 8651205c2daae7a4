//! What other processes do to a store: work on it at the same time, run out of room, have another umask, die.
#![expect(clippy::disallowed_methods, reason = "these tests start processes and tell them what to do")]
#![expect(clippy::unwrap_used, reason = "a test stops where something is wrong")]

use std::io::{Read as _, Write as _};
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;
use std::process::{Child, Command, Stdio};

use cap_std::ambient_authority;
use cap_std::fs::Dir;
use kit_hash::{BlobId, DerivationId, Identity as _, ResolvedId};
use kit_store::gc::{Keep, Sweep};
use kit_store::lock::Wait;
use kit_store::{Cost, Durability, Materialise, Record, Roots, Store, StoreError};
use kit_tree::{BlobSink as _, Entry, Mode, Tree, TreePath};

/// What a started process is to do, and in which store.
const JOB: &str = "KIT_STORE_TEST_JOB";
const DIR: &str = "KIT_STORE_TEST_DIR";

fn open(path: &Path) -> Store {
    let dir = Dir::open_ambient_dir(path, ambient_authority()).unwrap();
    Store::open_with(dir, path, Durability::Kill, &mut || ()).unwrap()
}

/// Starts this program again, to do a job; `before` is what the shell line is before the program's name.
fn start(job: &str, dir: &Path, before: &str) -> Child {
    let program = std::env::current_exe().unwrap();
    Command::new("sh")
        .args(["-c", &format!("{before} \"$0\" \"$@\"")])
        .arg(program)
        .args(["--exact", "does_what_it_is_started_for", "--nocapture"])
        .env(JOB, job)
        .env(DIR, dir)
        .stdout(Stdio::null())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap()
}

#[test]
fn does_what_it_is_started_for() {
    let (Some(job), Some(dir)) = (std::env::var_os(JOB), std::env::var_os(DIR)) else { return };
    let dir = Path::new(&dir);
    match job.to_str().unwrap() {
        "fill" => fill(dir),
        "modes" => make_modes(dir),
        "collect" => collect_when_full(dir),
        "denied" => refuse(dir, "kit::store::denied", "permission denied", "owner"),
        "read-only" => refuse(dir, "kit::store::read_only", "is read-only", "writable file system"),
        seed => work(dir, seed.parse().unwrap()),
    }
}

/// A small generator of numbers; what it gives depends on the seed alone.
struct Numbers(u64);

impl Numbers {
    fn below(&mut self, limit: u64) -> u64 {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) % limit
    }
}

fn content(number: u64) -> Vec<u8> {
    let length = if number.is_multiple_of(5) { 400_000 } else { number * 37 };
    (0..length).map(|at| (at ^ number).to_le_bytes()[0]).collect()
}

fn put_tree(store: &Store, number: u64) -> Tree {
    let mut tree = Tree::new();
    for (place, number) in [number, number / 2, 3].into_iter().enumerate() {
        let (blob, size) = store.put(&mut content(number).as_slice()).unwrap();
        let mode = if number.is_multiple_of(2) { Mode::PROGRAM } else { Mode::FILE };
        tree.insert_file(TreePath::new(format!("d{place}/f")).unwrap(), mode, blob, size).unwrap();
    }
    store.put_tree(&tree).unwrap();
    tree
}

fn number_id(number: u64) -> [u8; 32] {
    *BlobId::of(&number.to_le_bytes()).as_bytes()
}

/// Builds, keeps, looks and collects for ever; says each number on stderr once it is kept.
fn work(dir: &Path, seed: u64) {
    let mut numbers = Numbers(seed);
    let mut store = open(dir);
    loop {
        let number = numbers.below(60);
        let (derivation, resolved) =
            (DerivationId::from_bytes(number_id(number)), ResolvedId::from_bytes(number_id(number)));
        let lock = store.build_lock(&derivation, &mut || ()).unwrap();
        let tree = put_tree(&store, number);
        let record = Record { tree: tree.id(), log: None, cost: Cost::default() };
        store.put_record(&resolved, &record).unwrap();
        store.put_memo(&derivation, &resolved).unwrap();
        let roots = Roots { derivations: [derivation].into(), ..Roots::default() };
        store.set_root(&format!("r{number}").parse().unwrap(), &roots).unwrap();
        drop(lock);
        std::io::stderr().write_all(&[u8::try_from(number).unwrap()]).unwrap();

        match numbers.below(6) {
            0 => drop(store.materialised(&tree.id()).unwrap()),
            1 => {
                let scratch = store.scratch().unwrap();
                let how = Materialise::Copies;
                store.materialise(&tree, scratch.dir(), scratch.path(), how).unwrap();
            }
            2 => {
                put_tree(&store, 60 + number);
                match store.gc(Keep::RootsOnly, Sweep::Remove, Wait::Never, &mut |_, _| ()) {
                    Ok(_) | Err(StoreError::Busy { .. }) => {}
                    Err(e) => panic!("{e}"),
                }
            }
            _ => {}
        }
    }
}

#[test]
fn survives_hundreds_of_kills() {
    let root = tempfile::tempdir().unwrap();
    let mut numbers = Numbers(7);
    let mut kept = std::collections::BTreeSet::new();
    let (mut kills, mut materialised, mut interrupted) = (0, 0, 0);
    for round in 0..160_u64 {
        // Two at once, then one alone, so that it can collect.
        let workers: Vec<_> =
            (0..=round % 2).map(|n| start(&(round * 2 + n).to_string(), root.path(), "exec")).collect();
        let mut ended = Vec::new();
        for mut worker in workers {
            let mut said = worker.stderr.take().unwrap();
            let mut first = vec![0; usize::try_from(1 + numbers.below(6)).unwrap()];
            said.read_exact(&mut first).unwrap();
            for _ in 0..numbers.below(300_000) {
                std::hint::spin_loop();
            }
            worker.kill().unwrap();
            kills += 1;
            said.read_to_end(&mut first).unwrap();
            kept.extend(first);
            ended.push(worker.wait().unwrap());
        }
        assert!(ended.iter().all(|status| status.code().is_none()), "only the signal ends them: {ended:?}");
        let mut unfinished = Vec::new();
        modes(&root.path().join("tmp"), "tmp", &mut unfinished);
        interrupted += u64::from(unfinished.len() > ended.len());
        let store = open(root.path());
        assert_eq!(store.verify(&mut |_| ()).unwrap(), [], "round {round}");
        for number in kept.iter().map(|number| u64::from(*number)) {
            let resolved = store.memo(&DerivationId::from_bytes(number_id(number))).unwrap().unwrap();
            let record = store.record(&resolved).unwrap().unwrap();
            assert!(store.has_tree_complete(&record.tree).unwrap(), "{number} in round {round}");
        }
        materialised += store.du().unwrap().materialised;
        assert_eq!(store.du().unwrap().temporary.count, 0);
    }
    assert!(kills >= 200 && kept.len() > 40 && materialised > 0, "{kills} kills, {} kept", kept.len());
    assert!(interrupted > 10, "only {interrupted} rounds left something unfinished");
}

/// Writes where a file of 100 KiB has no room.
fn fill(dir: &Path) {
    let store = open(dir);
    let small = store.put_bytes(b"small").unwrap();
    let large: Vec<u8> = content(5);
    for result in [
        store.put_bytes(&large).map(|_| ()),
        store.put_stream(&mut large.as_slice()).map(|_| ()),
        store.put_download(&mut large.as_slice()).map(|_| ()),
    ] {
        let error = result.unwrap_err();
        let StoreError::Full { path, needed, .. } = &error else { panic!("{error:?}") };
        assert!(path.starts_with(dir), "{error}");
        assert!(*needed >= 100 * 1024, "{error}");
        assert_eq!(error.code(), "kit::store::full");
        assert!(error.help().unwrap().contains("kit store gc"));
    }
    let error = store.put(&mut large.as_slice()).unwrap_err();
    assert_eq!(error.kind(), std::io::ErrorKind::StorageFull);
    assert!(store.has_blob(&small).unwrap());
    assert!(!store.has_blob(&BlobId::of(&large)).unwrap());
    let usage = store.du().unwrap();
    assert_eq!((usage.blobs.count, usage.temporary.count), (1, 0), "nothing half-written stays");
    assert_eq!(store.verify(&mut |_| ()).unwrap(), []);
}

#[test]
fn running_out_of_room_leaves_nothing_behind() {
    let root = tempfile::tempdir().unwrap();
    for before in [
        // POSIX counts in units of 512 bytes; the ignored signal becomes an error of the write.
        "trap '' XFSZ; ulimit -f 200 && exec",
        // A disk of 100 KiB, in namespaces as the sandbox makes them.
        "exec unshare -Urm sh -c 'mount -t tmpfs -o size=100k none \"$KIT_STORE_TEST_DIR\" && exec \"$0\" \"$@\"'",
    ] {
        let output = start("fill", root.path(), before).wait_with_output().unwrap();
        assert!(output.status.success(), "{before}: {}", String::from_utf8_lossy(&output.stderr));
    }
    let store = open(root.path());
    assert_eq!(store.put_bytes(&content(5)).unwrap(), BlobId::of(&content(5)), "with room, it goes on");
    assert_eq!(store.verify(&mut |_| ()).unwrap(), []);
}

/// Fills the disk to its last byte behind the store's back, then makes room.
fn collect_when_full(dir: &Path) {
    let store = open(dir);
    let blob = store.put_bytes(&content(7)).unwrap();
    let tree = put_tree(&store, 2);
    store.put_tree(&tree).unwrap();
    store.materialised(&tree.id()).unwrap();
    drop(store);
    let mut filler = std::fs::File::create(dir.join("tmp/filler")).unwrap();
    while filler.write_all(&[1; 512]).is_ok() {}
    let mut store = Store::open(Dir::open_ambient_dir(dir, ambient_authority()).unwrap(), dir).unwrap();
    let mut filler = std::fs::File::create(dir.join(".filler")).unwrap();
    while filler.write_all(&[1; 512]).is_ok() {}
    assert!(store.has_blob(&blob).unwrap());
    let error = store.put_bytes(&content(9)).unwrap_err();
    assert_eq!(error.code(), "kit::store::full", "{error}");
    let freed = store.gc(Keep::RootsOnly, Sweep::Remove, Wait::Never, &mut |_, _| ()).unwrap();
    assert!(freed.items > 3);
    store.put_bytes(&content(7)).unwrap();
}

fn refuse(dir: &Path, code: &str, message: &str, help: &str) {
    let dir = Dir::open_ambient_dir(dir, ambient_authority()).unwrap();
    let error = Store::open(dir, "the/store").unwrap_err();
    assert_eq!(error.code(), code, "{error}");
    assert!(error.to_string().contains("the/store") && error.to_string().contains(message), "{error}");
    assert!(error.help().unwrap().contains(help));
}

#[test]
fn says_why_it_can_t_write() {
    let fresh = tempfile::tempdir().unwrap();
    let used = tempfile::tempdir().unwrap();
    drop(open(used.path()));
    let mount = "mount -t tmpfs -o size=100k none \"$KIT_STORE_TEST_DIR\"";
    let read_only = "mount --bind -o ro \"$KIT_STORE_TEST_DIR\" \"$KIT_STORE_TEST_DIR\"";
    let namespaces = |mount: &str| format!("exec unshare -Urm sh -c '{mount} && exec \"$0\" \"$@\"'");
    // Even root may only do there what an ordinary user may.
    let powerless = "chmod 555 \"$KIT_STORE_TEST_DIR\" \"$KIT_STORE_TEST_DIR\"/* 2>/dev/null; \
                     exec unshare -Ur setpriv --bounding-set=-all --inh-caps=-all";
    for (job, dir, before) in [
        ("collect", &fresh, namespaces(mount)),
        ("read-only", &fresh, namespaces(read_only)),
        ("read-only", &used, namespaces(read_only)),
        ("denied", &fresh, powerless.to_owned()),
    ] {
        let output = start(job, dir.path(), &before).wait_with_output().unwrap();
        assert!(output.status.success(), "{job}: {}", String::from_utf8_lossy(&output.stderr));
    }
}

fn make_modes(dir: &Path) {
    let store = open(dir);
    let mut tree = put_tree(&store, 4);
    tree.insert(TreePath::new("link").unwrap(), Entry::symlink("d0")).unwrap();
    let id = store.put_tree(&tree).unwrap();
    let resolved = ResolvedId::from_bytes([1; 32]);
    store.put_record(&resolved, &Record { tree: id, log: None, cost: Cost::default() }).unwrap();
    store.put_download(&mut b"download".as_slice()).unwrap();
    store.set_root(&"name".parse().unwrap(), &Roots::default()).unwrap();
    store.materialised(&id).unwrap();
    // Kept for the comparison: a scratch directory would go.
    let copy = dir.parent().unwrap().join("copy");
    std::fs::create_dir(&copy).unwrap();
    let target = Dir::open_ambient_dir(&copy, ambient_authority()).unwrap();
    store.materialise(&tree, &target, &copy, Materialise::Copies).unwrap();
}

/// All paths below a directory, with kinds and modes.
fn modes(dir: &Path, prefix: &str, found: &mut Vec<String>) {
    let mut entries: Vec<_> = std::fs::read_dir(dir).unwrap().map(|entry| entry.unwrap()).collect();
    entries.sort_by_key(std::fs::DirEntry::file_name);
    for entry in entries {
        let stat = entry.path().symlink_metadata().unwrap();
        let path = format!("{prefix}/{}", entry.file_name().to_str().unwrap());
        found.push(format!("{path} {:o}", stat.permissions().mode()));
        if stat.is_dir() {
            modes(&entry.path(), &path, found);
        }
    }
}

#[test]
fn the_umask_changes_nothing() {
    let mut all = Vec::new();
    for umask in ["000", "022", "077"] {
        let root = tempfile::tempdir().unwrap();
        let dir = root.path().join("store");
        std::fs::create_dir(&dir).unwrap();
        let output = start("modes", &dir, &format!("umask {umask}; exec")).wait_with_output().unwrap();
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        let mut found = Vec::new();
        modes(&root.path().join("store"), "store", &mut found);
        modes(&root.path().join("copy"), "copy", &mut found);
        // Locks are empty and of no meaning to others.
        found.retain(|line| !line.starts_with("store/locks/"));
        assert!(found.len() > 30, "{found:#?}");
        all.push(found);
    }
    assert_eq!(all[0], all[1]);
    assert_eq!(all[0], all[2]);
}
