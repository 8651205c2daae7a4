//! Pinned vectors of every action. They change only with a new version in the domain tag or a new revision.

use kit_recipe::image::{
    DiskContainer, ExtensionKind, FileSystem, Firmware, InitrdCompression, Labels, Packing, RootCompression,
    TarCompression,
};
use kit_tree::Mode;

use super::*;
use kit_hash::Identity as _;

fn input() -> Input {
    Input::Tree(kit_tree::Tree::new().id())
}

fn path(text: &str) -> TreePath {
    text.parse().unwrap()
}

fn fetch() -> Fetch {
    let origin = Origin::Crate { name: "libc".to_owned(), version: "0.2.1".to_owned() };
    Fetch { file_name: "libc-0.2.1.crate".to_owned(), size: Some(3), sha256: Sha256::of(b"abc"), origin }
}

fn run() -> Run {
    Run {
        root: input(),
        sources: BTreeMap::from([("source".to_owned(), input())]),
        script: "make".to_owned(),
        env: BTreeMap::from([("TZ".to_owned(), "UTC".to_owned())]),
        timeout: 60,
        processors: 1,
    }
}

fn compose() -> Compose {
    let inline = AddedEntry::Inline { meta: Meta::root(Mode::FILE), content: b"hello\n".to_vec() };
    Compose {
        parts: vec![Part { input: input(), owner: "busybox".to_owned(), at: path("/rootfs") }],
        laying: Laying::Union,
        prefer: BTreeMap::from([(path("/bin/sh"), 0)]),
        include: vec!["/usr/**".to_owned()],
        exclude: vec!["/usr/share/**".to_owned()],
        additions: vec![
            Added { path: path("/etc/motd"), what: inline },
            Added { path: path("/etc/mtab"), what: AddedEntry::Entry(Entry::symlink("/proc/mounts")) },
        ],
        ensure: vec![path("/proc")],
        mount_points: Vec::new(),
        passwd: vec!["a".to_owned()],
        group: vec!["b".to_owned()],
    }
}

fn image(format: ImageFormat) -> Image {
    Image { name: "demo".to_owned(), source_date: 1, format }
}

fn oci() -> OciImage {
    OciImage {
        root: input(),
        shares: Vec::new(),
        command: vec!["/init".to_owned()],
        env: vec!["A=b".to_owned()],
        cwd: "/".to_owned(),
        user: "0:0".to_owned(),
        architecture: "amd64".to_owned(),
    }
}

fn board() -> RaspberryPi {
    RaspberryPi {
        packing: Packing::Disk,
        firmware: input(),
        kernel: input(),
        boot: input(),
        size: Some(1 << 30),
    }
}

fn update() -> Update {
    Update {
        version: "1.4".to_owned(),
        label: "root".to_owned(),
        architecture: "x86_64".to_owned(),
        source: Some("https://updates.example.com/demo/".to_owned()),
        slot: Some(1 << 28),
        uki: input(),
        root: input(),
        verity: input(),
    }
}

fn file_system(kind: FileSystem, compression: Option<RootCompression>, size: Option<u64>) -> ImageFormat {
    ImageFormat::FileSystem { root: input(), kind, compression, size }
}

fn erofs(compression: Option<RootCompression>) -> ImageFormat {
    file_system(FileSystem::Erofs, compression, None)
}

fn sized_ext4() -> ImageFormat {
    file_system(FileSystem::Ext4, None, Some(1 << 30))
}

fn every_action() -> Vec<(&'static str, Action)> {
    let crate_archive = Archive::Crate { sha256: Sha256::of(b"abc"), directory: "libc-0.2.1".to_owned() };
    let layer = Archive::Layer { diff_id: Sha256::of(b"abc") };
    let kernel = |microcode, verity, compression| ImageFormat::KernelInitrd {
        kernel: input(),
        root: input(),
        cmdline: "quiet".to_owned(),
        microcode,
        verity,
        compression,
    };
    let checked = kernel(None, Some(input()), InitrdCompression::Zstd);
    let xz = kernel(None, None, InitrdCompression::Xz);
    let microcode = kernel(Some(path("/boot/ucode.cpio")), None, InitrdCompression::Zstd);
    let kernel = kernel(None, None, InitrdCompression::Zstd);
    let loaders =
        || Loaders { uki: Some(input()), bios: Some((input(), input())), architecture: "x86_64".to_owned() };
    let disk = Disk {
        container: DiskContainer::Qcow2,
        firmware: Firmware::Hybrid,
        loaders: loaders(),
        root: Some(input()),
        verity: Some(input()),
        size: Some(1 << 30),
        data: None,
        esp: None,
        labels: Labels::default(),
        slots: None,
    };
    let slots = Slots { manager: input(), size: Some(1 << 26), version: "1.4".to_owned() };
    let slots = Disk { firmware: Firmware::Efi, slots: Some(slots), ..disk.clone() };
    let labels = Labels { root: Some("system".to_owned()), ..Labels::default() };
    let labelled = Disk { esp: Some(64 << 20), labels, ..disk.clone() };
    let extension = Extension {
        kind: ExtensionKind::System,
        files: input(),
        data: input(),
        verity: Some(input()),
        architecture: "x86_64".to_owned(),
    };
    let uki = |device_tree| ImageFormat::Uki {
        stub: input(),
        boot: input(),
        kernel: input(),
        root: input(),
        architecture: "x86_64".to_owned(),
        device_tree,
    };
    let iso = ImageFormat::Iso {
        suffix: "-efi.iso".to_owned(),
        loaders: loaders(),
        label: "DEMO".to_owned(),
        root: Some(input()),
    };
    let gzip = ImageFormat::CompressedTar { root: input(), compression: TarCompression::Gzip };
    let directory = |loader| ImageFormat::Directory { boot: input(), loader };
    let layout = ImageFormat::Oci { images: BTreeMap::from([("demo".to_owned(), oci())]) };
    let layered = OciImage { shares: vec![Share { input: input(), at: path("/a") }], ..oci() };
    let layered = ImageFormat::Oci { images: BTreeMap::from([("demo".to_owned(), layered)]) };
    let archive = ImageFormat::DockerArchive { images: BTreeMap::from([("demo".to_owned(), oci())]) };
    vec![
        ("fetch", Action::Fetch(fetch())),
        ("unpack deb", Action::Unpack(Unpack { input: input(), archive: Archive::Deb })),
        ("unpack crate", Action::Unpack(Unpack { input: input(), archive: crate_archive })),
        ("unpack sources", Action::Unpack(Unpack { input: input(), archive: Archive::Sources })),
        ("unpack layer", Action::Unpack(Unpack { input: input(), archive: layer })),
        ("run", Action::Run(run())),
        ("compose", Action::Compose(compose())),
        ("compose layers", Action::Compose(Compose { laying: Laying::Layers, ..compose() })),
        ("kernel+initrd", Action::Image(image(kernel))),
        ("kernel+initrd microcode", Action::Image(image(microcode))),
        ("tar", Action::Image(image(ImageFormat::Tar { root: input() }))),
        ("oci", Action::Image(image(layout))),
        ("oci layered", Action::Image(image(layered))),
        ("docker-archive", Action::Image(image(archive))),
        ("kernel+initrd verity", Action::Image(image(checked))),
        ("tar+gzip", Action::Image(image(gzip))),
        ("tar-kernel-initrd", Action::Image(image(ImageFormat::TarKernelInitrd { boot: input() }))),
        ("file system", Action::Image(image(erofs(None)))),
        ("verity", Action::Image(image(ImageFormat::Verity { data: input() }))),
        ("uki", Action::Image(image(uki(None)))),
        ("disk", Action::Image(image(ImageFormat::Disk(Box::new(disk))))),
        ("disk slots", Action::Image(image(ImageFormat::Disk(Box::new(slots))))),
        ("iso", Action::Image(image(iso))),
        ("kernel+initrd xz", Action::Image(image(xz))),
        ("file system zstd", Action::Image(image(erofs(Some(RootCompression::Zstd))))),
        ("uki device tree", Action::Image(image(uki(Some(path("/boot/board.dtb")))))),
        ("disk labelled", Action::Image(image(ImageFormat::Disk(Box::new(labelled))))),
        ("ipxe", Action::Image(image(directory(DirectoryLoader::Ipxe)))),
        ("lcow", Action::Image(image(directory(DirectoryLoader::Lcow)))),
        ("extension", Action::Image(image(ImageFormat::Extension(extension)))),
        ("file system of a size", Action::Image(image(sized_ext4()))),
        ("rpi-disk", Action::Image(image(ImageFormat::RaspberryPi(board())))),
        ("update", Action::Image(image(ImageFormat::Update(update())))),
    ]
}

#[test]
fn identities_are_pinned() {
    let found: Vec<_> = every_action()
        .into_iter()
        .map(|(name, action)| format!("{name} {}", Derivation::new("any title", action).id()))
        .collect();
    let expected: Vec<&str> = include_str!("vectors.txt").lines().collect();
    assert_eq!(found, expected);
}

#[test]
fn what_isn_t_meaning_isn_t_hashed() {
    let id = |action: Action| Derivation::new("t", action).id();
    let elsewhere = Origin::Debian { suite: "sid".to_owned(), filename: "pool/x".to_owned(), date: 5 };
    assert_eq!(id(Action::Fetch(fetch())), id(Action::Fetch(Fetch { origin: elsewhere, ..fetch() })));
    assert_eq!(id(Action::Run(run())), id(Action::Run(Run { timeout: 5, processors: 2, ..run() })));
    let mut other = compose();
    other.parts[0].owner = "somebody".to_owned();
    assert_eq!(id(Action::Compose(compose())), id(Action::Compose(other)));
}

#[test]
fn every_meaning_is_hashed() {
    let changes: Vec<fn(&mut Compose)> = vec![
        |c| c.parts[0].at = path("/other"),
        |c| c.parts.clear(),
        |c| c.prefer.clear(),
        |c| c.include.clear(),
        |c| c.exclude.clear(),
        |c| c.additions.swap(0, 1),
        |c| c.ensure.clear(),
        |c| c.mount_points.push(MountPoint { path: path("/a"), source: path("/b") }),
        |c| c.passwd.clear(),
        |c| c.laying = Laying::Layers,
        |c| c.group.clear(),
        |c| std::mem::swap(&mut c.include, &mut c.exclude),
        |c| std::mem::swap(&mut c.passwd, &mut c.group),
    ];
    let mut ids = vec![Derivation::new("t", Action::Compose(compose())).id()];
    for change in changes {
        let mut changed = compose();
        change(&mut changed);
        ids.push(Derivation::new("t", Action::Compose(changed)).id());
    }
    let runs: Vec<fn(&mut Run)> =
        vec![|r| r.script.push('x'), |r| r.sources.clear(), |r| r.env.clear(), |r| {
            r.root = Input::Derivation(DerivationId::from_bytes([1; 32]));
        }];
    for change in runs {
        let mut changed = run();
        change(&mut changed);
        ids.push(Derivation::new("t", Action::Run(changed)).id());
    }
    let count = ids.len();
    ids.sort();
    ids.dedup();
    assert_eq!(ids.len(), count);
}

#[test]
fn a_rebuilt_input_that_came_out_the_same_resolves_the_same() {
    let of = |byte| {
        let root = Input::Derivation(DerivationId::from_bytes([byte; 32]));
        Derivation::new("t", Action::Run(Run { root, ..run() }))
    };
    let (a, b) = (of(1), of(2));
    let same = kit_tree::Tree::new().id();
    assert_ne!(a.id(), b.id());
    assert_eq!(a.resolved(&|_| same), b.resolved(&|_| same));
    assert_ne!(a.resolved(&|_| same), a.resolved(&|_| TreeId::from_bytes([9; 32])));
    assert_eq!(a.action().inputs().len(), 2);
}
