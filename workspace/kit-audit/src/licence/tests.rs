use kit_hash::BlobId;
use kit_tree::blobs::MemoryBlobs;
use kit_tree::{Entry, Meta, Mode, Tree};
use proptest::prelude::*;

use super::*;
use crate::inventory::{ComponentId, Role};
use crate::sbom::tests::{component, sample};

const HEAD: &str = "Format: https://www.debian.org/doc/packaging-manuals/copyright-format/1.0/\n\n";

fn copyright(text: &str) -> Licence {
    Licence::of_copyright("demo", &"/usr/share/doc/demo/copyright".parse().unwrap(), text.as_bytes())
}

/// Reads what one paragraph about files says.
fn named(names: &str) -> String {
    let licence = copyright(&format!("{HEAD}Files: *\nLicense: {names}\n Text.\n"));
    licence.expression().unwrap_or("none").to_owned()
}

#[test]
fn short_names_are_those_of_spdx() {
    for (debian, spdx) in [
        ("GPL-2+", "GPL-2.0-or-later"),
        ("GPL-2", "GPL-2.0-only"),
        ("GPL-2.0+", "GPL-2.0-or-later"),
        ("GPLv3+", "GPL-3.0-or-later"),
        ("GPL-1+", "GPL-1.0-or-later"),
        ("GPL-2.0-or-later", "GPL-2.0-or-later"),
        ("LGPL-2.1+", "LGPL-2.1-or-later"),
        ("LGPL-2", "LGPL-2.0-only"),
        ("LGPLv2.1+", "LGPL-2.1-or-later"),
        ("AGPL-3+", "AGPL-3.0-or-later"),
        ("GFDL-1.3", "GFDL-1.3-only"),
        ("GFDL-NIV-1.3+", "GFDL-1.3-no-invariants-or-later"),
        ("BSD-3-clause", "BSD-3-Clause"),
        ("BSD-2", "BSD-2-Clause"),
        ("Expat", "MIT"),
        ("ISC", "ISC"),
        ("zlib", "Zlib"),
        ("Apache-2.0", "Apache-2.0"),
        ("Artistic", "Artistic-1.0-Perl"),
        ("MPL-2.0", "MPL-2.0"),
        ("CC0", "CC0-1.0"),
        ("GPL-1+ or Artistic", "Artistic-1.0-Perl OR GPL-1.0-or-later"),
        ("Artistic, or GPL-1+", "Artistic-1.0-Perl OR GPL-1.0-or-later"),
        ("GPL-2+ or MIT and ISC", "GPL-2.0-or-later OR ISC AND MIT"),
        ("GPL-2+ or MIT, and ISC", "ISC AND (GPL-2.0-or-later OR MIT)"),
        ("Perl and ISC", "ISC AND (Artistic-1.0-Perl OR GPL-1.0-or-later)"),
        ("GPL-2+ with Font exception", "GPL-2.0-or-later WITH Font-exception-2.0"),
        ("GPL-2 with Linux-syscall-note exception", "GPL-2.0-only WITH Linux-syscall-note"),
        ("Apache-2.0 with LLVM exception", "Apache-2.0 WITH LLVM-exception"),
        ("GPL-3+ with GCC-Runtime exception or MIT", "GPL-3.0-or-later WITH GCC-exception-3.1 OR MIT"),
    ] {
        assert_eq!(named(debian), spdx, "{debian}");
    }
}

#[test]
fn what_spdx_does_not_have_keeps_its_text() {
    for (debian, reference) in [
        ("public-domain", "LicenseRef-Debian-public-domain"),
        ("GPL", "LicenseRef-Debian-GPL"),
        ("GPL-7+", "LicenseRef-Debian-GPL-7-or-later"),
        ("Intel", "LicenseRef-Debian-Intel"),
        ("LGPLv3+_or_GPLv2+", "LicenseRef-Debian-LGPLv3-or-GPLv2-or-later"),
        ("GPL-2+ with OpenSSL exception", "LicenseRef-Debian-GPL-2-or-later-with-OpenSSL-exception"),
        ("GPL-2 with OpenSSL exception", "LicenseRef-Debian-GPL-2-with-OpenSSL-exception"),
        (
            "Permission is hereby granted, free of charge",
            "LicenseRef-Debian-Permission-is-hereby-granted-free-of-charge",
        ),
        ("MIT | ISC", "LicenseRef-Debian-MIT-ISC"),
        ("(MIT or ISC) and Zlib", "LicenseRef-Debian-MIT-or-ISC-and-Zlib"),
        ("MIT and", "LicenseRef-Debian-MIT-and"),
        ("MIT, ISC", "LicenseRef-Debian-MIT-ISC"),
        ("", "LicenseRef-Debian-unnamed"),
    ] {
        let licence = copyright(&format!("{HEAD}Files: *\nLicense: {debian}\n Text.\n .\n More.\n"));
        assert_eq!(licence.expression(), Some(reference), "{debian}");
        assert_eq!(licence.text(reference), Some("Text.\n\nMore."), "{debian}");
        assert_eq!(licence.problems(), [], "{debian}");
    }
}

/// Texts of a file are taken over once, however often it names them.
#[test]
fn many_names_do_not_multiply_texts() {
    let names: Vec<_> = (0..100).map(|number| format!("own-{number}")).collect();
    let licence = copyright(&format!("{HEAD}Files: *\nLicense: {}\n Text.\n", names.join(" or ")));
    assert_eq!(licence.texts().len(), 1);
    let files = "Files: x\nLicense: own\n\n".repeat(3);
    let licence = copyright(&format!("{HEAD}{files}License: own\n Text.\n"));
    assert_eq!(licence.text("LicenseRef-Debian-own"), Some("Text."));
}

#[test]
fn paragraphs_are_put_together() {
    let text = "License: whole\n\nFiles: *\nCopyright: me\nLicense: MIT and own\n\nFiles: debian/*\nLicense: GPL-2+\n \
                On Debian systems see elsewhere.\n\nFiles: x\nLicense: own\n\nLicense: own\n My own.\n\nstill my own,\n\
                without an indent\n\nLicense: unused\n Nobody names it.\n";
    let licence = copyright(&format!("{}{text}", HEAD.trim_end().to_owned() + "\n"));
    assert_eq!(licence.expression(), Some("GPL-2.0-or-later AND LicenseRef-Debian-own AND MIT"));
    let own = "My own.\n\nstill my own,\nwithout an indent";
    assert_eq!(licence.text("LicenseRef-Debian-own"), Some(own));
    assert_eq!(licence.texts().len(), 1);
    let whole = copyright(&format!("{}License: ISC\n", HEAD.trim_end().to_owned() + "\n"));
    assert_eq!(whole.expression(), Some("ISC"), "the whole package, where no files are named");
}

#[test]
fn a_text_for_people_is_not_guessed_at() {
    let licence = copyright("This is free software under the MIT licence.\n");
    let name = "LicenseRef-Debian-demo-copyright";
    assert_eq!(licence.expression(), Some(name));
    assert_eq!(licence.text(name), Some("This is free software under the MIT licence.\n"));
    assert!(
        matches!(licence.problems(), [LicenceProblem::NotMachineReadable { line: 1, said, .. }] if said.is_empty())
    );
    let stated = "It is free software under the terms of the GNU General Public License, version 2.\n";
    let concluded = copyright(stated);
    assert_eq!((concluded.declared(), concluded.concluded()), (Some(name), Some("GPL-2.0-only")));
    assert_eq!((concluded.expression(), concluded.problems()), (Some("GPL-2.0-only"), &[][..]));
    let partly = copyright(&format!("{stated}\nThe rest has other terms.\n"));
    assert_eq!((partly.expression(), partly.concluded()), (Some(name), None));
    let said = partly.problems()[0].to_string();
    assert!(said.ends_with("line 3 isn't understood; it says `GPL-2.0-only` besides"), "{said}");
    let missing = copyright(&format!("{HEAD}Files: *\nLicense: own\n"));
    assert_eq!(missing.problems(), [LicenceProblem::TextMissing("LicenseRef-Debian-own".to_owned())]);
    let path = "/usr/share/doc/demo/copyright".parse().unwrap();
    let latin =
        Licence::of_copyright("demo", &path, &[HEAD.as_bytes(), b"Files: *\nLicense: MIT\n \xe9\n"].concat());
    assert_eq!((latin.expression(), latin.problems()), (Some("MIT"), &[LicenceProblem::NotUtf8(path)][..]));
}

/// A tree of files and, where the text starts with `->`, links.
fn tree(files: &[(&str, &str)]) -> (Tree, MemoryBlobs) {
    let (mut tree, blobs) = (Tree::new(), MemoryBlobs::new());
    for (path, text) in files {
        let path: TreePath = path.parse().unwrap();
        tree.make_parents(&path, &Meta::root(Mode::DIRECTORY)).unwrap();
        let entry = match text.strip_prefix("->") {
            Some(target) => Entry::symlink(target),
            None => Entry::File {
                meta: Meta::root(Mode::FILE),
                blob: blobs.insert(text.as_bytes().to_vec()),
                size: text.len() as u64,
            },
        };
        tree.insert(path, entry).unwrap();
    }
    (tree, blobs)
}

#[test]
fn many_packages_with_one_large_file_are_read_up_to_a_limit() {
    let text = "a licence that nobody knows\n".repeat(10);
    let (tree, blobs) = tree(&[
        ("/usr/share/doc/demo/copyright", &text),
        ("/usr/share/doc/other", "->demo"),
        ("/usr/share/doc/third", "->demo"),
        ("/usr/share/doc/small/copyright", "MIT"),
    ]);
    let mut left = 2 * text.len() as u64 + 3;
    let mut texts = |package: &str| {
        let licence = Licence::of_debian_within(&mut left, package, &tree, &blobs);
        let kept: Vec<_> = licence.texts().iter().map(|text| text.text.len()).collect();
        let problems: Vec<_> = licence.problems().iter().map(ToString::to_string).collect();
        (kept, problems.join("; "))
    };
    assert_eq!(texts("demo").0, [text.len()]);
    assert_eq!(texts("other").0, [text.len()]);
    let told = "`/usr/share/doc/demo/copyright` can't be read: it has 280 bytes, and of all such files of the image only 3 more are read";
    assert_eq!(texts("third"), (Vec::new(), told.to_owned()));
    assert_eq!(texts("small").0, [3], "what is left is for smaller ones");
    assert_eq!(left, 0);
}

#[test]
fn the_copyright_file_is_found_through_links_of_its_tree() {
    let text = format!("{HEAD}Files: *\nLicense: MIT\n");
    let of = |files: &[(&str, &str)]| {
        let (tree, blobs) = tree(files);
        let licence = Licence::of_debian("demo", &tree, &blobs);
        let problems: Vec<_> = licence.problems().iter().map(ToString::to_string).collect();
        (licence.expression().map(str::to_owned), problems.join("; "))
    };
    let mit = (Some("MIT".to_owned()), String::new());
    assert_eq!(of(&[("/usr/share/doc/demo/copyright", &text)]), mit);
    assert_eq!(
        of(&[("/usr/share/doc/demo", "->demo-data"), ("/usr/share/doc/demo-data/copyright", &text)]),
        mit
    );
    assert_eq!(
        of(&[("/usr/share/doc/demo", "->other")]),
        (None, "its licence is in `/usr/share/doc/other/copyright`, which is another package's".to_owned())
    );
    let elsewhere = |files: &[(&str, &str)]| {
        let (tree, blobs) = tree(files);
        Licence::of_debian("demo", &tree, &blobs).elsewhere().map(str::to_owned)
    };
    assert_eq!(elsewhere(&[("/usr/share/doc/demo", "->other")]).as_deref(), Some("other"));
    assert_eq!(elsewhere(&[("/usr/share/doc/demo/copyright", "->../../other/copyright")]), None);
    assert_eq!(elsewhere(&[("/usr/share/doc/demo", "->/etc")]), None);
    assert_eq!(elsewhere(&[("/usr/share/doc/demo/copyright", &text)]), None);
    let none = (None, "it has no `/usr/share/doc/demo/copyright`".to_owned());
    assert_eq!(of(&[("/etc/motd", "")]), none);
    assert_eq!(of(&[("/usr/share/doc/demo/copyright", "->copyright")]), none);
    let (mut gone, blobs) = tree(&[]);
    let lost = Entry::File { meta: Meta::root(Mode::FILE), blob: BlobId::of(b"lost"), size: 4 };
    let path: TreePath = "/usr/share/doc/demo/copyright".parse().unwrap();
    gone.make_parents(&path, &Meta::root(Mode::DIRECTORY)).unwrap();
    gone.insert(path, lost).unwrap();
    let licence = Licence::of_debian("demo", &gone, &blobs);
    assert!(matches!(licence.problems(), [LicenceProblem::Unreadable { .. }]));
}

#[test]
fn crates_state_their_licence() {
    let of = |manifest: &str| {
        let manifest = format!("[package]\nname = \"demo\"\n{manifest}\n");
        let (tree, blobs) =
            tree(&[("/Cargo.toml", &manifest), ("/LICENSE-MIT", "Permission"), ("/src/license", "x")]);
        Licence::of_crate(&tree, &blobs)
    };
    for (manifest, expression) in [
        ("license = \"MIT\"", "MIT"),
        ("license = \"MIT/Apache-2.0\"", "MIT OR Apache-2.0"),
        ("license = \"MIT or Apache-2.0\"", "MIT OR Apache-2.0"),
        ("license = \"GPL-2.0+\"", "GPL-2.0-or-later"),
        ("license = \"(MIT OR Apache-2.0) AND Unicode-3.0\"", "(MIT OR Apache-2.0) AND Unicode-3.0"),
        ("license-file = \"LICENSE-MIT\"", "LicenseRef-crate-demo"),
    ] {
        let licence = of(manifest);
        assert_eq!(licence.expression(), Some(expression), "{manifest}");
        assert_eq!(licence.problems(), [], "{manifest}");
        let names: Vec<_> = licence.texts().iter().map(|text| text.name.as_str()).collect();
        assert!(names.contains(&"LICENSE-MIT") && !names.contains(&"license"), "{names:?}");
    }
    // As an archive of the registry has it.
    let manifest = "[package]\nname = \"demo\"\nlicense = \"MIT\"\n";
    let (below, blobs) = tree(&[("/demo-1.0/Cargo.toml", manifest), ("/demo-1.0/LICENSE", "Permission")]);
    assert_eq!(Licence::of_crate(&below, &blobs).expression(), Some("MIT"));
    assert_eq!(of("license-file = \"LICENSE-MIT\"").text("LicenseRef-crate-demo"), Some("Permission"));
    assert_eq!(of("").problems(), [LicenceProblem::Unstated]);
    assert!(matches!(of("license = \"my own\"").problems(), [LicenceProblem::Invalid { .. }]));
    assert!(matches!(of("license-file = \"../../etc/passwd\"").problems(), [LicenceProblem::Invalid { .. }]));
    assert!(matches!(of("license-file = \"gone\"").problems(), [LicenceProblem::NoFile(_)]));
    assert!(matches!(of("license = 1").problems(), [LicenceProblem::Unreadable { .. }]));
    let (bare, blobs) = tree(&[("/Cargo.toml", "[package]\nname = \"demo\"\nlicense = \"MIT\"\n")]);
    assert_eq!(Licence::of_crate(&bare, &blobs).problems(), [LicenceProblem::TextMissing("MIT".to_owned())]);
}

#[test]
fn recipes_state_a_valid_expression() {
    for (stated, expression) in [
        (Some("MIT"), Some("MIT")),
        (Some("mit"), None),
        (Some("MIT or ISC"), Some("MIT OR ISC")),
        (Some("GPL-2.0-only WITH Linux-syscall-note"), Some("GPL-2.0-only WITH Linux-syscall-note")),
        (Some("LicenseRef-own"), Some("LicenseRef-own")),
        (Some("GPL-2.0"), None),
        (Some("DocumentRef-x:LicenseRef-own"), None),
        (Some(""), None),
        (Some("MIT AND"), None),
        (None, None),
    ] {
        let licence = Licence::of_recipe(stated);
        assert_eq!(licence.expression(), expression, "{stated:?}");
        assert_eq!(licence.problems().is_empty(), expression.is_some(), "{stated:?}");
    }
}

#[test]
fn references_are_replaced_whole() {
    let expression = "(LicenseRef-a OR LicenseRef-a-b) AND MIT";
    assert_eq!(references(expression), BTreeSet::from(["LicenseRef-a", "LicenseRef-a-b"]));
    let replaced = with_references(expression, |name| format!("{name}-1"));
    assert_eq!(replaced, "(LicenseRef-a-1 OR LicenseRef-a-b-1) AND MIT");
}

/// Makes the program `agent` of the sample of crates under these licences.
fn program(licences: &[&str]) -> Vec<String> {
    let mut sample = sample();
    sample.licences.clear();
    let agent = ComponentId::Recipe("package agent".parse().unwrap());
    for (number, licence) in licences.iter().enumerate() {
        let id = ComponentId::Crate { name: format!("c{number}"), version: "1.0.0".to_owned() };
        sample.inventory.components.insert(id.clone(), component("c", "1.0.0", Role::Part));
        sample.inventory.components.get_mut(&agent).unwrap().made_of.insert(id.clone());
        sample.licences.insert(id, Licence::of_recipe(Some(licence)));
    }
    findings(&sample.inventory, &sample.licences).iter().map(crate::Finding::id).collect()
}

#[test]
fn only_what_cannot_be_distributed_is_a_conflict() {
    let gpl2 = ["licence-conflict:package agent GPL-2.0-only"];
    for conflicting in [
        ["GPL-2.0-only", "Apache-2.0"],
        ["GPL-3.0-or-later", "GPL-2.0-only"],
        ["GPL-2.0-only AND MIT", "Apache-2.0 OR LGPL-3.0-only"],
    ] {
        assert_eq!(program(&conflicting), gpl2, "{conflicting:?}");
    }
    assert_eq!(program(&["GPL-3.0-or-later", "OpenSSL"]).len(), 1);
    for fine in [
        ["GPL-2.0-or-later", "Apache-2.0"],
        ["GPL-2.0-only", "MIT OR Apache-2.0"],
        ["GPL-2.0-only OR MIT", "Apache-2.0"],
        ["GPL-2.0-only WITH Classpath-exception-2.0", "Apache-2.0"],
        ["GPL-3.0-only", "Apache-2.0"],
        ["MIT", "LicenseRef-x"],
    ] {
        assert_eq!(program(&fine), [""; 0], "{fine:?}");
    }
}

#[test]
fn findings_are_about_what_is_in_the_image() {
    let mut sample = sample();
    sample.licences.clear();
    let ids: Vec<_> = sample.inventory.components.keys().cloned().collect();
    for id in ids {
        let licence = match id.to_string().as_str() {
            "crate itoa 1.0.0" | "gcc 12.2.0-14" => Licence::of_recipe(None),
            "busybox 1:1.35.0-4+b3" => copyright("Prose."),
            "libc6 2.36-9" => copyright(&format!("{HEAD}Files: *\nLicense: own\n")),
            "package base" => Licence::of_recipe(Some("free")),
            _ => Licence::of_recipe(Some("MIT")),
        };
        sample.licences.insert(id, licence);
    }
    let found: Vec<_> =
        findings(&sample.inventory, &sample.licences).iter().map(crate::Finding::id).collect();
    assert_eq!(
        found,
        [
            "licence-unknown:busybox 1:1.35.0-4+b3",
            "licence-text-missing:libc6 2.36-9 LicenseRef-Debian-own",
            "licence-unknown:crate itoa 1.0.0",
            "licence-invalid:package base",
        ]
    );
}

proptest! {
    #[test]
    fn no_copyright_file_panics(text in "(Format: copyright-format/1.0\n|Files: \\*\n|License: |[ -~\n]{0,30}|GPL-2\\+|, | or | and | with |\u{e9})*") {
        let licence = copyright(&text);
        if let Some(expression) = licence.expression() {
            prop_assert!(Expression::parse(expression).is_ok(), "{expression}");
            for name in references(expression) {
                let missing = LicenceProblem::TextMissing(name.to_owned());
                prop_assert!(licence.text(name).is_some() || licence.problems().contains(&missing));
            }
        }
    }

    #[test]
    fn no_crate_panics(text in "[ -~]{0,40}|(MIT|GPL-2.0|\\+|/| |or|\\(|\\)|WITH|LicenseRef-[a-z]?|\u{20ac}){0,10}") {
        let manifest = format!("[package]\nname = \"x\"\nlicense = {}\n", serde_json::to_string(&text).unwrap());
        let (tree, blobs) = tree(&[("/Cargo.toml", &manifest)]);
        if let Some(expression) = Licence::of_crate(&tree, &blobs).expression() {
            prop_assert!(Expression::parse(expression).is_ok(), "{expression}");
        }
    }
}
