use std::io::Write;
use std::num::NonZeroU32;

use kit_tree::blobs::MemoryBlobs;
use kit_tree::dump::Dump;
use kit_tree::{Entry, Meta, Mode, Tree};

use super::*;
use crate::compression::zstd::ZstdOptions;
use crate::compression::{Compression, GzipStream, ZstdStream};
use crate::limits::{LimitError, Limits};
use crate::samples::{MTIME, path, put};
use crate::tar::{TarReadError, write_tar};

mod scripts;

const CONTROL: &str = "Package: tool\nVersion: 1:2.0~rc1-3+deb12u1\nArchitecture: amd64\nDescription: does things\n and more\n .\n\tlast\n";

fn member(name: &str, content: &[u8]) -> Vec<u8> {
    let mut bytes =
        format!("{name:<16}{:<12}{:<6}{:<6}{:<8}{:<10}`\n", 0, 0, 0, "100644", content.len()).into_bytes();
    bytes.extend_from_slice(content);
    if content.len() % 2 == 1 {
        bytes.push(b'\n');
    }
    bytes
}

fn compress(compression: Compression, content: &[u8]) -> Vec<u8> {
    let mut bytes = Vec::new();
    let mut read =
        |mut stream: Box<dyn std::io::Read + '_>| stream.read_to_end(&mut bytes).map(|_| ()).unwrap();
    match compression {
        Compression::None => read(Box::new(content)),
        Compression::Bzip2 => {
            read(Box::new(bzip2::read::BzEncoder::new(content, bzip2::Compression::best())));
        }
        Compression::Gzip => read(Box::new(GzipStream::new(content))),
        Compression::Zstd => {
            let options = ZstdOptions { level: 3, workers: NonZeroU32::MIN };
            read(Box::new(ZstdStream::new(content, content.len() as u64, options).unwrap()));
        }
        Compression::Xz => {
            let mut writer =
                lzma_rust2::XzWriter::new(Vec::new(), lzma_rust2::XzOptions::with_preset(1)).unwrap();
            writer.write_all(content).unwrap();
            return writer.finish().unwrap();
        }
    }
    bytes
}

/// The files of an archive, uncompressed.
fn tar(files: &[(&str, &str)]) -> Vec<u8> {
    let blobs = MemoryBlobs::new();
    let mut tree = Tree::new();
    for (name, content) in files {
        put(&mut tree, &blobs, name, content.as_bytes());
    }
    let mut bytes = Vec::new();
    write_tar(&tree, &blobs, MTIME, &mut bytes).unwrap();
    bytes
}

fn package(members: &[(&str, &[u8])]) -> Vec<u8> {
    let members: Vec<_> = members.iter().map(|(name, content)| member(name, content)).collect();
    [b"!<arch>\n".to_vec(), members.concat()].concat()
}

fn deb(control: &[u8], data: &[u8]) -> Vec<u8> {
    package(&[("debian-binary", b"2.0\n"), ("control.tar", control), ("data.tar", data)])
}

fn read(bytes: &[u8]) -> Result<Deb, DebError> {
    read_deb(bytes, &MemoryBlobs::new(), &Limits::standard())
}

fn error(bytes: &[u8]) -> String {
    let error = read(bytes).unwrap_err();
    let sources = std::iter::successors(Some(&error as &dyn std::error::Error), |error| error.source());
    sources.map(ToString::to_string).collect::<Vec<_>>().join(": ")
}

#[test]
fn reads_a_package_in_every_compression() {
    let control = tar(&[
        ("/control", CONTROL),
        ("/postinst", "#!/bin/sh\nexit 0\n"),
        ("/triggers", "activate-noawait ldconfig\n"),
        ("/conffiles", "/etc/tool.conf\nremove-on-upgrade /etc/old.conf\n"),
        ("/md5sums", ""),
    ]);
    let data = tar(&[("/etc/tool.conf", "a"), ("/bin/tool", "b")]);
    let mut first = None;
    let kinds =
        [Compression::None, Compression::Bzip2, Compression::Gzip, Compression::Xz, Compression::Zstd];
    for kind in kinds {
        let suffix = kind.suffix();
        let bytes = package(&[
            ("debian-binary/", b"2.0\nmore\n"),
            ("_ignored", b"odd"),
            (&format!("control.tar{suffix}"), &compress(kind, &control)),
            (&format!("data.tar{suffix}"), &compress(kind, &data)),
            ("later", b"x"),
        ]);
        let deb = read(&bytes).unwrap();
        assert_eq!(*first.get_or_insert_with(|| deb.clone()), deb, "{kind:?}");
        for end in 0..bytes.len() - 64 {
            assert!(read(&bytes[..end]).is_err(), "{kind:?} {end}");
        }
    }
    let Deb { tree, control } = first.unwrap();
    assert_eq!((control.package.as_str(), control.architecture.as_str()), ("tool", "amd64"));
    assert_eq!(control.version, "1:2.0~rc1-3+deb12u1");
    assert_eq!(control.fields["Description"], "does things\nand more\n.\nlast");
    assert_eq!(control.scripts.keys().copied().collect::<Vec<_>>(), [Script::Postinst, Script::Triggers]);
    assert_eq!(control.conffiles.into_iter().collect::<Vec<_>>(), [path("/etc/tool.conf")]);
    let names: Vec<_> = tree.entries().map(|(path, _)| path.to_string()).collect();
    assert_eq!(names, ["/", "/bin", "/etc", "/etc/tool.conf", "/usr", "/usr/bin", "/usr/bin/tool"]);
}

#[test]
fn wrong_outer_archives_are_refused() {
    let (control, data) = (tar(&[("/control", CONTROL)]), tar(&[]));
    assert_eq!(error(b"hello, world"), "the package can't be read: this is no `ar` archive");
    assert_eq!(error(b"!<arch>\n"), "the package has `` where `debian-binary` belongs");
    let version = |text: &[u8]| {
        error(&package(&[("debian-binary", text), ("control.tar", &control), ("data.tar", &data)]))
    };
    for text in ["3.0", "2", "2.x", "20.0", ""] {
        assert_eq!(version(text.as_bytes()), format!("the package has the format `{text}`; 2.0 is known"));
    }
    let binary: (&str, &[u8]) = ("debian-binary", b"2.0\n");
    assert_eq!(
        error(&package(&[binary, ("data.tar", &data)])),
        "the package has `data.tar` where `control.tar` belongs"
    );
    assert_eq!(
        error(&package(&[binary, ("control.tar", &control)])),
        "the package has `` where `data.tar` belongs"
    );
    let old = package(&[binary, ("control.tar", &control), ("data.tar.lzma", &data)]);
    assert_eq!(error(&old), "`data.tar.lzma` is compressed in a way that is refused");
    let mut header = deb(&control, &data);
    header[8 + 58] = b'x';
    assert_eq!(error(&header), "the package can't be read: there is no member header at byte 8");
    let mut size = deb(&control, &data);
    size[8 + 48] = b'-';
    assert_eq!(error(&size), "the package can't be read: there is no member header at byte 8");
}

#[test]
fn wrong_control_information_is_refused() {
    let control = |text: &str| error(&deb(&tar(&[("/control", text)]), &tar(&[])));
    let refused = "the control information is refused: ";
    assert_eq!(error(&deb(&tar(&[]), &tar(&[]))), format!("{refused}there is no `control`"));
    for (text, why) in [
        ("Version: 1\nArchitecture: all\n", "`control` lacks the field `Package`"),
        ("Package: a\nVersion:\nArchitecture: all\n", "`control` lacks the field `Version`"),
        ("Package: a\npackage: b\n", "`control` has the field `package` twice"),
        (" Package: a\n", "line 1 of `control` is no field"),
        ("Package: a\n\nVersion: 1\n", "line 2 of `control` is no field"),
        ("Package a\n", "line 1 of `control` is no field"),
    ] {
        assert_eq!(control(text), format!("{refused}{why}"));
    }
    let conffiles = tar(&[("/control", CONTROL), ("/conffiles", "/etc/../x\n")]);
    assert!(
        error(&deb(&conffiles, &tar(&[]))).starts_with(&format!("{refused}`conffiles` names `/etc/../x`"))
    );
}

#[test]
fn hostile_data_is_refused() {
    let control = tar(&[("/control", CONTROL)]);
    let device = |tree: &mut Tree| {
        let entry = Entry::Device {
            meta: Meta::root(Mode::FILE),
            kind: kit_tree::DeviceKind::Char,
            major: 1,
            minor: 3,
        };
        tree.insert(path("/null"), entry).unwrap();
    };
    let mut tree = Tree::new();
    device(&mut tree);
    let mut data = Vec::new();
    write_tar(&tree, &MemoryBlobs::new(), MTIME, &mut data).unwrap();
    assert_eq!(
        error(&deb(&control, &data)),
        "`data.tar` is refused: `null` is a device node, which is refused here"
    );
    let zeros = vec![0; 140 << 20];
    let bomb =
        package(&[("debian-binary", b"2.0\n"), ("control.tar.zst", &compress(Compression::Zstd, &zeros))]);
    assert!(error(&bomb).starts_with("`control.tar.zst` is refused: "));
    // a file of zeros, much compressed: as a package has it in a table, but longer
    let blobs = MemoryBlobs::new();
    let mut tree = Tree::new();
    put(&mut tree, &blobs, "/zeros", &zeros);
    let mut data = Vec::new();
    write_tar(&tree, &blobs, MTIME, &mut data).unwrap();
    let bomb = package(&[
        ("debian-binary", b"2.0\n"),
        ("control.tar", &control),
        ("data.tar.zst", &compress(Compression::Zstd, &data)),
    ]);
    let refused = read(&bomb).unwrap_err();
    let DebError::Tar { source: TarReadError::Input { member, source }, .. } = refused else {
        panic!("{refused}")
    };
    assert_eq!(member, "zeros");
    assert!(matches!(source, crate::input::InputError::Limit(LimitError::Ratio { .. })));
}

/// Merges a tree that is written as lines of `path` or `path -> target`.
fn merge(lines: &[&str]) -> Result<String, MergeError> {
    let blobs = MemoryBlobs::new();
    let mut tree = Tree::new();
    for line in lines {
        match line.split_once(" -> ") {
            Some((name, target)) => {
                tree.make_parents(&path(name), &Meta::root(Mode::DIRECTORY)).unwrap();
                tree.insert(path(name), Entry::symlink(target)).unwrap();
            }
            None => match line.split_once(" = ") {
                Some((name, target)) => {
                    tree.make_parents(&path(name), &Meta::root(Mode::DIRECTORY)).unwrap();
                    tree.insert(path(name), Entry::HardLink { target: path(target) }).unwrap();
                }
                None => put(&mut tree, &blobs, line, line.rsplit('/').next().unwrap().as_bytes()),
            },
        }
    }
    let merged = merge_usr(tree)?;
    let shown = Dump(&merged).to_string();
    let shown = shown.lines().filter(|line| !line.contains(" dir ")).map(|line| {
        let words: Vec<_> = line.split(' ').collect();
        match words[1] {
            "symlink" => format!("{} -> {}", words[0], words[5]),
            "link" => format!("{} = {}", words[0], words[3]),
            _ => words[0].to_owned(),
        }
    });
    Ok(shown.collect::<Vec<_>>().join("\n"))
}

#[test]
fn merges_into_usr() {
    for (before, after) in [
        (&["/usr/bin/a", "/etc/b", "/library/c"][..], "/etc/b\n/library/c\n/usr/bin/a"),
        (&["/bin/a", "/usr/bin/b"], "/bin -> usr/bin\n/usr/bin/a\n/usr/bin/b"),
        (
            &["/lib64/ld.so -> /lib/x/ld.so", "/lib/x/ld.so"],
            "/lib -> usr/lib\n/lib64 -> usr/lib64\n/usr/lib/x/ld.so\n/usr/lib64/ld.so -> /lib/x/ld.so",
        ),
        // links that join both places are dropped, whichever way they point
        (&["/bin/a", "/usr/bin/a -> /bin/a"], "/bin -> usr/bin\n/usr/bin/a"),
        (&["/bin/a -> ../usr/bin/a", "/usr/bin/a"], "/bin -> usr/bin\n/usr/bin/a"),
        (&["/usr/bin/a -> ../../bin/a"], ""),
        // equal files are one
        (&["/bin/a", "/usr/bin/a"], "/bin -> usr/bin\n/usr/bin/a"),
        // relative links keep their aim
        (&["/lib/a -> b", "/lib/b"], "/lib -> usr/lib\n/usr/lib/a -> b\n/usr/lib/b"),
        (&["/lib/a -> ../etc/b"], "/lib -> usr/lib\n/usr/lib/a -> ../../etc/b"),
        (&["/lib/a -> ../usr/share/b"], "/lib -> usr/lib\n/usr/lib/a -> ../share/b"),
        (&["/sbin/a -> ../bin/b"], "/sbin -> usr/sbin\n/usr/sbin/a -> ../bin/b"),
        (&["/usr/lib/a -> ../../lib/b"], "/usr/lib/a -> ../../lib/b"),
        // already merged
        (
            &["/bin -> usr/bin", "/sbin -> /usr/sbin", "/usr/bin/a"],
            "/bin -> usr/bin\n/sbin -> usr/sbin\n/usr/bin/a",
        ),
        // the first path of a hard link changes
        (&["/bin/a", "/opt/b = /bin/a"], "/bin -> usr/bin\n/opt/b\n/usr/bin/a = /opt/b"),
    ] {
        assert_eq!(merge(before).unwrap(), after, "{before:?}");
    }
}

#[test]
fn contradictions_in_usr_are_errors() {
    let refused = |lines: &[&str]| merge(lines).unwrap_err().to_string();
    assert_eq!(
        refused(&["/bin/a -> x", "/usr/bin/a"]),
        "`/bin/a` and `/usr/bin/a` are different, but become one"
    );
    assert_eq!(refused(&["/bin -> /elsewhere"]), "`/bin` is neither a directory nor the link into `/usr`");
    assert_eq!(refused(&["/lib"]), "`/lib` is neither a directory nor the link into `/usr`");
}
