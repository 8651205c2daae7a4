//! Files, directories and images of registries: held against their lockfiles where kit made them, else audited as far as they go.

use kit_tests::deb::Tar;
use kit_tests::image::{INDEX, Image, MANIFEST, descriptor};
use kit_tests::server::{Answer, with_server};
use kit_tests::small::Small;
use kit_tests::{Said, TestProject, validators};
use serde_json::{Value, json};

use super::at;

/// Returns the report that a command printed, whatever becomes of the findings.
pub(super) fn report(said: &Said) -> Value {
    let found = said.stdout.lines().find_map(|line| {
        let value: Value = serde_json::from_str(line).ok()?;
        value["result"].get("findings").is_some().then(|| value["result"].clone())
    });
    found.unwrap_or_else(|| panic!("no report in {said}"))
}

fn finding<'r>(report: &'r Value, id: &str) -> Option<&'r Value> {
    report["findings"].as_array().expect("a list").iter().find(|finding| finding["id"] == id)
}

fn has_kind(report: &Value, kind: &str) -> bool {
    report["findings"].as_array().expect("a list").iter().any(|finding| finding["kind"] == kind)
}

pub(super) fn bytes(small: &Small, name: &str) -> Vec<u8> {
    std::fs::read(at(small, name)).expect("it is there")
}

fn replace(bytes: &mut [u8], from: &[u8], to: &[u8]) {
    let at = bytes.windows(from.len()).position(|window| window == from).expect("it is in there");
    bytes[at..at + to.len()].copy_from_slice(to);
}

fn gzip(bytes: &[u8]) -> Vec<u8> {
    use std::io::Write as _;
    let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    encoder.write_all(bytes).and_then(|()| encoder.finish()).expect("memory takes all")
}

#[test]
fn what_kit_wrote_is_held_against_its_lockfile() {
    let small = Small::new();
    small.kit(&["build", "small"]).succeeded();
    small.project.write_bytes("small.tar.gz", &gzip(&bytes(&small, "out/small.tar")));
    let by_name = report(&small.kit(&["audit", "small", "--json"]).succeeded());
    for named in ["out/small-initrd.img", "out/small.tar", "small.tar.gz", "out/small.oci", "out"] {
        let said = small.kit(&["audit", named, "--json"]).succeeded();
        assert!(said.stderr.contains("lockfile `lockfiles/small.lock`"), "{said}");
        let report = report(&said);
        assert_eq!(report["depth"]["word"], "files", "{named}");
        assert_eq!(report["pin"], by_name["pin"], "{named}");
        assert!(!has_kind(&report, "image-altered"), "{named}: {report:#}");
        // The kernel isn't in most of these; all else is the same.
        let ids = |report: &Value| -> Vec<String> {
            let findings = report["findings"].as_array().expect("a list").iter();
            let about =
                findings.filter(|finding| finding["area"] == "supply-chain" || finding["area"] == "licences");
            about.map(|finding| finding["id"].to_string()).collect()
        };
        assert_eq!(ids(&report), ids(&by_name), "{named}");
    }
}

#[test]
fn what_was_changed_is_named_with_whose_it_should_be() {
    let small = Small::new();
    small.kit(&["build", "small"]).succeeded();
    let mut changed = bytes(&small, "out/small.tar");
    replace(&mut changed, &[b'q'; 100], b"Q");
    // Behind the last member, where two blocks of zeros end the archive.
    let end = changed.iter().rposition(|byte| *byte != 0).expect("it isn't empty") + 1;
    changed.truncate(end.next_multiple_of(512));
    changed.extend(Tar::default().set_user_id("usr/bin/door", b"in").end());
    small.project.write_bytes("changed.tar", &changed);
    let said = small.kit(&["audit", "changed.tar"]).failed(1, &["error[kit::audit::denied]"]);
    for text in [
        "not all of them",
        "image-altered:changed",
        "q of package letters",
        "image-altered:added",
        "/usr/bin/door",
    ] {
        assert!(said.stdout.contains(text), "no `{text}` in:\n{said}");
    }
    let report = report(&small.kit(&["audit", "changed.tar", "--json"]));
    let evidence = &finding(&report, "image-altered:changed").expect("it is found")["evidence"];
    assert_eq!(evidence.as_array().map(Vec::len), Some(1), "{evidence}");
    assert!(finding(&report, "image-altered:missing").is_none(), "{report:#}");
    // What is there is what is audited.
    assert!(finding(&report, "file-set-uid:/usr/bin/door").is_some(), "{report:#}");

    // What lies beside an initrd is held against the lockfile where the directory is named.
    std::fs::create_dir(at(&small, "given")).expect("it is new");
    small.project.write_bytes("given/small-initrd.img", &bytes(&small, "out/small-initrd.img"));
    small.project.write("given/small-kernel", "another kernel");
    let said = small.kit(&["audit", "given", "--only", "supply-chain"]);
    said.failed(1, &["error[kit::audit::denied]"])
        .stdout
        .find("image-altered:small-kernel")
        .expect("it is found");
    let said = small.kit(&["audit", "given/small-initrd.img"]).succeeded();
    assert!(said.stderr.contains("without its kernel and command line"), "{said}");

    // One that says one that says it is from another lockfile.
    let mut renamed = bytes(&small, "out/small.tar");
    let door = Tar::default().file("etc/os-release", b"KIT_PIN=0\n").end();
    renamed.truncate(end.next_multiple_of(512));
    renamed.extend(door);
    small.project.write_bytes("renamed.tar", &renamed);
    let said = small.kit(&["audit", "renamed.tar"]).succeeded();
    assert!(said.stdout.contains("kit didn't make it"), "{said}");
    let said = small.kit(&["audit", "renamed.tar", "--lock", "lockfiles/small.lock"]);
    said.failed(1, &["error[kit::verify::no_pin]"]);
}

#[test]
fn an_image_without_its_lockfile_is_audited_by_itself() {
    let small = Small::new();
    small.kit(&["build", "small"]).succeeded();
    let kept = small.project.read("lockfiles/small.lock");
    std::fs::remove_file(at(&small, "lockfiles/small.lock")).expect("it was there");
    let report = report(&small.kit(&["audit", "out/small.tar", "--json"]).succeeded());
    assert_eq!(report["depth"]["word"], "foreign");
    let why = report["depth"]["sentence"].as_str().expect("a sentence");
    assert!(why.contains("neither the project nor its history has that"), "{why}");
    // Which containers it has, and what they may do, is in the image itself.
    assert!(report["tables"]["privileges"]["rows"].to_string().contains("second"), "{report:#}");
    assert!(has_kind(&report, "package-list-missing") && !has_kind(&report, "file-device"), "{report:#}");
    small.project.write("elsewhere/kept.lock", &kept);
    let audit = ["audit", "out/small.tar", "--lock", "elsewhere/kept.lock", "--json"];
    let report = super::result(&small.kit(&audit).succeeded());
    assert_eq!(report["depth"]["word"], "files");
}

#[test]
fn damaged_and_odd_files_are_refused_in_words() {
    let small = Small::new();
    small.kit(&["build", "small"]).succeeded();
    let half = |name: &str| {
        let whole = bytes(&small, name);
        whole[..whole.len() / 2].to_vec()
    };
    let squashed = [&b"hsqs"[..], &[0; 4096]].concat();
    let table: [(&str, Vec<u8>, &str, &str); 9] = [
        ("half.img", half("out/small-initrd.img"), "kit::open::damaged", "get it again"),
        ("half.tar", half("out/small.tar"), "kit::open::damaged", "get it again"),
        (
            "half.tar.gz",
            gzip(&bytes(&small, "out/small.tar"))[..5000].to_vec(),
            "kit::open::damaged",
            "get it again",
        ),
        ("squashed", squashed, "kit::open::damaged", "it is cut off: its last sector ends at byte 4608"),
        ("program", b"\x7fELF and so on".to_vec(), "kit::open::unknown_format", "a program"),
        ("notes.txt", b"nothing\n".to_vec(), "kit::open::unknown_format", "nothing that kit knows"),
        ("empty", Vec::new(), "kit::open::unknown_format", "name an initrd"),
        (
            "cmdline",
            [&bytes(&small, "out/small-cmdline")[..], b" more"].concat(),
            "kit::open::command_line",
            "name the initrd beside it",
        ),
        ("one.tar", bytes(&small, "out/small.tar"), "kit::open::no_choice", "--platform"),
    ];
    for (name, content, code, text) in &table {
        small.project.write_bytes(name, content);
        let more: &[&str] = if *name == "one.tar" { &["--platform", "linux/amd64"] } else { &[] };
        let said = small.kit(&[&["audit", name], more].concat());
        said.failed(1, &[&format!("error[{code}]"), text]);
    }
    std::fs::create_dir(at(&small, "nothing")).expect("it is new");
    small.kit(&["audit", "nothing"]).failed(1, &["error[kit::open::unknown_format]"]);
    for nowhere in ["out/nowhere.tar", "nowhere.tar"] {
        small.kit(&["audit", nowhere]).failed(1, &["error[kit::audit::nothing_there]", nowhere]);
    }
    // A layer that isn't the one that its name says.
    let blobs = at(&small, "out/small.oci/blobs/sha256");
    let largest = std::fs::read_dir(&blobs)
        .expect("it is there")
        .flatten()
        .max_by_key(|entry| entry.metadata().expect("it has some").len());
    let largest = largest.expect("there are some").path();
    kit_tests::project::make_writable(&largest);
    let mut content = std::fs::read(&largest).expect("it is there");
    content.extend(b"x");
    std::fs::write(&largest, content).expect("it can be written");
    small.kit(&["audit", "out/small.oci"]).failed(1, &["has another content"]);
    let index = super::json(&at(&small, "out/small.oci/index.json"));
    let is_whole = |entry: &&Value| entry["annotations"]["org.opencontainers.image.ref.name"] == "small";
    let manifest = index["manifests"].as_array().expect("a list").iter().find(is_whole).expect("it is there");
    let digest = manifest["digest"].as_str().expect("a digest").trim_start_matches("sha256:");
    for file in [largest, blobs.join(digest)] {
        std::fs::remove_file(file).expect("it is there");
    }
    small.kit(&["audit", "out/small.oci"]).failed(1, &["error[kit::open::incomplete]", digest]);
}

const DEBIAN: &[u8] =
    b"PRETTY_NAME=\"Debian GNU/Linux 12 (bookworm)\"\nID=debian\nVERSION_CODENAME=bookworm\n";
const STATUS: &[u8] = b"Package: zlib1g\nStatus: install ok installed\nArchitecture: amd64\nSource: zlib\n\
    Version: 1:1.2.13.dfsg-1\nDescription: compression library\n";
const COPYRIGHT: &[u8] = b"Format: https://www.debian.org/doc/packaging-manuals/copyright-format/1.0/\n\n\
    Files: *\nCopyright: 1995 them\nLicense: Zlib\n";

/// The files of an image that Debian's package manager made, and of something that nobody lists.
fn debian() -> Vec<u8> {
    Tar::default()
        .file("etc/os-release", DEBIAN)
        .file("usr/lib/libz.so.1", b"z")
        .file("usr/share/doc/zlib1g/copyright", COPYRIGHT)
        .file("opt/own/program", &[b'x'; 5000])
        .file("var/lib/dpkg/status", STATUS)
        .file(
            "var/lib/dpkg/info/zlib1g:amd64.list",
            b"/.\n/usr/lib/libz.so.1\n/usr/share/doc/zlib1g/copyright\n",
        )
        .file("etc/secret", b"x")
        .null_device("dev/null")
        .end()
}

/// A layer that hides a file of the one below.
fn hides() -> Vec<u8> {
    Tar::default().file("etc/.wh.secret", b"").file("etc/added", b"y").end()
}

fn check_debian(report: &Value) {
    assert_eq!(report["depth"]["word"], "foreign", "{report:#}");
    let component =
        report["components"].as_array().expect("a list").iter().find(|one| one["name"] == "zlib1g");
    let component = component.expect("it is listed");
    assert_eq!(component["licence"], "Zlib");
    assert_eq!(component["source"], "zlib 1:1.2.13.dfsg-1");
    assert_eq!(component["files"], 2);
    let vulnerability = finding(report, "vulnerability:CVE-2026-0001 zlib").expect("it is found");
    assert_eq!(vulnerability["level"], "deny");
    assert!(!vulnerability["help"].as_str().expect("a text").contains("kit lock"), "{vulnerability}");
    let unowned = finding(report, "file-unowned:files").expect("it is found");
    assert!(unowned["evidence"].to_string().contains("/opt/own/program, 5.0 kB"), "{unowned}");
    assert!(finding(report, "file-device:/dev/null").is_some(), "{report:#}");
}

#[test]
fn images_of_others_are_audited_as_far_as_they_go() {
    let project = TestProject::new();
    project.write("advisories/0001.json", super::advisories::ZLIB);
    project.write_bytes("root.tar", &debian());
    let image = Image::new(&[debian(), hides()]);
    let advised = ["--advisories", "advisories", "--json"];
    let audit = |named: &str, more: &[&str]| {
        report(&project.kit(&[&["audit", named], more, &advised[..]].concat()).failed(1, &[]))
    };
    check_debian(&audit("root.tar", &[]));
    // What `docker save` wrote for years, and what it writes now.
    let saved =
        json!([{ "Config": "c.json", "RepoTags": ["web:1"], "Layers": ["1/layer.tar", "2/layer.tar"] }]);
    let archive = Tar::default()
        .file("manifest.json", saved.to_string().as_bytes())
        .file("c.json", &image.config())
        .file("1/layer.tar", &image.layers[0].1)
        .file("2/layer.tar", &image.layers[1].1)
        .end();
    project.write_bytes("saved.tar", &archive);
    let (manifest, config) = (image.manifest(), image.config());
    let index = json!({ "schemaVersion": 2, "manifests": [descriptor(MANIFEST, &manifest)] }).to_string();
    let blob = |tar: Tar, content: &[u8]| {
        tar.file(&format!("blobs/sha256/{}", kit_hash::Sha256::of(content)), content)
    };
    let mut layout = Tar::default()
        .file("oci-layout", b"{\"imageLayoutVersion\":\"1.0.0\"}")
        .file("index.json", index.as_bytes());
    for content in [&manifest, &config, &image.layers[0].1, &image.layers[1].1] {
        layout = blob(layout, content);
    }
    project.write_bytes("layout.tar", &layout.end());
    for named in ["saved.tar", "layout.tar"] {
        let report = audit(named, &[]);
        check_debian(&report);
        assert!(finding(&report, "privilege-root-user:image").is_some(), "{report:#}");
        assert!(report["tables"]["configuration"]["rows"].to_string().contains("/bin/hello"), "{report:#}");
        let said = project.kit(&["audit", named, "--json", "--platform", "linux/arm64"]);
        said.failed(1, &[]).stdout.find("kit::open::document").expect("it is another platform");
    }
    for (validator, format) in [("spdx2", "spdx-2.3"), ("spdx3", "spdx-3.0"), ("cyclonedx", "cyclonedx-1.6")]
    {
        project.kit(&["sbom", "saved.tar", "--format", format, "--to", "a.json"]).succeeded();
        validators::accepted(validator, &project.path().join("a.json"));
        let text = project.read("a.json");
        assert!(text.contains("pkg:deb/debian/zlib1g@1:1.2.13.dfsg-1"), "{text}");
    }
    project.kit(&["sbom", "saved.tar", "--tools"]).failed(1, &["there is no image"]);
    // The upper layer hides a file, and adds one.
    project.write("policy.toml", "[forbidden]\nfiles = [\"/etc/secret\", \"/etc/added\"]\n");
    let report = audit("saved.tar", &[]);
    let forbidden: Vec<_> = report["findings"]
        .as_array()
        .expect("a list")
        .iter()
        .filter(|finding| finding["kind"] == "forbidden-file")
        .map(|finding| finding["key"].to_string())
        .collect();
    assert!(forbidden.len() == 1 && forbidden[0].contains("/etc/added"), "{forbidden:?}");
}

#[test]
fn images_of_registries_are_audited_by_platform() {
    let project = TestProject::new();
    project.write("advisories/0001.json", super::advisories::ZLIB);
    let amd = Image::new(&[debian(), hides()]);
    let alpine = Tar::default()
        .file("etc/os-release", b"ID=alpine\nPRETTY_NAME=\"Alpine Linux v3.20\"\n")
        .file("lib/ld-musl.so", b"m")
        .file("lib/apk/db/installed", b"P:musl\nV:1.2.5-r0\nL:MIT\nF:lib\nR:ld-musl.so\n\n")
        .end();
    let arm = Image {
        architecture: "arm64".to_owned(),
        run: json!({ "Cmd": ["/bin/hello"], "User": "web" }),
        ..Image::new(&[alpine])
    };
    let entry = |image: &Image| {
        let mut entry = descriptor(MANIFEST, &image.manifest());
        entry["platform"] = json!({ "os": "linux", "architecture": image.architecture });
        entry
    };
    let index = json!({ "schemaVersion": 2, "mediaType": INDEX, "manifests": [entry(&amd), entry(&arm)] });
    let index = Answer::Bytes(index.to_string().into_bytes());
    let mut site = amd.site("team/web", "1", index.clone());
    site.extend(arm.site("team/web", "1", index));
    with_server(site, |server| {
        let named = format!("{}/team/web:1", server.base.trim_start_matches("http://"));
        let advised = ["--advisories", "advisories", "--json"];
        let audit = |platform: &str| {
            project.kit(&[&["audit", &named, "--platform", platform], &advised[..]].concat())
        };
        check_debian(&report(&audit("linux/amd64").failed(1, &[])));
        let said = audit("linux/arm64").succeeded();
        assert!(said.stderr.contains("Alpine Linux v3.20"), "{said}");
        let report = report(&said);
        let musl = report["components"].as_array().expect("a list").iter().find(|one| one["name"] == "musl");
        assert_eq!(musl.expect("it is listed")["licence"], "MIT");
        assert!(finding(&report, "privilege-root-user:image").is_none(), "{report:#}");
        let said = audit("linux/s390x").failed(1, &[]);
        assert!(said.stdout.contains("linux/amd64, linux/arm64"), "{said}");
    });
}

#[test]
fn hostile_lists_of_packages_are_told() {
    let project = TestProject::new();
    let status = [
        &b"Package: ../../etc/passwd\nVersion: 1\nArchitecture: all\n\n\xff\xfe\x00\x01\n\n"[..],
        &b"Package: \x1b[31mred\nVersion: 1\nArchitecture: all\n\n"[..],
        &b"Package: good\nVersion: 1\nArchitecture: all\n\n"[..],
        "x".repeat(1 << 20).as_bytes(),
    ]
    .concat();
    let root = Tar::default()
        .file("etc/os-release", DEBIAN)
        .file("usr/bin/tool", b"t")
        .file("var/lib/dpkg/status", &status)
        .file("var/lib/dpkg/info/good.list", b"/../../../etc/shadow\n/usr/bin/tool\n\x1b]0;title\x07\n")
        .end();
    project.write_bytes("root.tar", &root);
    let said = project.kit(&["audit", "root.tar"]).succeeded();
    assert!(said.stdout.contains("package-list-unreadable"), "{said}");
    assert!(!said.stdout.contains('\x1b') && said.stdout.len() < 100_000, "{said}");
    let report = report(&project.kit(&["audit", "root.tar", "--json"]).succeeded());
    let names: Vec<_> =
        report["components"].as_array().expect("a list").iter().map(|one| one["name"].clone()).collect();
    assert_eq!(names, ["good", "root.tar"]);
    // More than is read.
    let huge = Tar::default()
        .file("var/lib/dpkg/status", &b"Package: a\nVersion: 1\nArchitecture: all\n\n".repeat(1_700_000))
        .end();
    project.write_bytes("huge.tar", &gzip(&huge));
    let said = project.kit(&["audit", "huge.tar"]).succeeded();
    assert!(said.stdout.contains("at most 67108864 are read"), "{said}");
}
