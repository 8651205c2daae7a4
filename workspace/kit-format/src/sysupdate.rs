//! An update of a disk with two slots, as systemd-sysupdate finds it: what its files are called, and what is to be done with them.
//!
//! ```text
//! NAME_V.root.UUID.raw.gz     the root's file system
//! NAME_V.verity.UUID.raw.gz   the tree of its digests
//! NAME_V.efi                  the unified kernel image
//! SHA256SUMS                  the digests of these three, in this order: 64 digits, two blanks, the name
//! sysupdate.d/10-root.conf    three transfers, which are made in the order of their names:
//! sysupdate.d/20-verity.conf  the new system can't be started before all of it is there
//! sysupdate.d/30-system.conf
//! ```
//! `UUID` is the identifier that the partition gets, and by which the unified kernel image finds it. On a disk, the name of a partition
//! says what is in it: `LABEL_V` and `LABEL-verity_V`, or [`EMPTY`].
//!
//! Settings are those that systemd 251 had, when it learnt all this, and files end in `.conf`, as all versions read them. Each text
//! is one comment, three sections with an empty line between them, and no blanks at the ends of lines.

use std::fmt::Write as _;

use kit_hash::Sha256;

use crate::gpt::Guid;

/// Changes whenever these bytes do.
pub const REVISION: u32 = 1;

/// What a partition is called that nothing is in.
pub const EMPTY: &str = "_empty";
/// How often a new system is tried.
pub const TRIES: u32 = 3;
/// The file with the digests.
pub const SUMS: &str = "SHA256SUMS";
/// The directory with the transfers.
pub const TRANSFERS: &str = "sysupdate.d";
/// Where the file system that firmware reads is mounted while systems are updated.
const SYSTEMS: &str = "/efi/EFI/Linux";
/// What stands behind the label of the root's partition in that of its digests.
const DIGESTS: &str = "-verity";

/// What an update is of.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Update<'a> {
    /// What the image is called.
    pub name: &'a str,
    /// Its version.
    pub version: &'a str,
    /// What the partition of the root is called, without a version.
    pub label: &'a str,
    /// Which processors it is for, in Linux's words.
    pub architecture: &'a str,
    /// Where machines find updates: an address of a directory; none is a directory of their own.
    pub source: Option<&'a str>,
}

/// A partition that is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Part {
    /// The root's file system.
    Root,
    /// The tree of its digests.
    Digests,
}

impl Part {
    /// Returns the word for it in names of files.
    fn word(self) -> &'static str {
        match self {
            Self::Root => "root",
            Self::Digests => "verity",
        }
    }

    /// Returns what such a partition is called, by what a root's is called, when this version is in it.
    pub fn label(self, label: &str, version: &str) -> String {
        let digests = if self == Self::Digests { DIGESTS } else { "" };
        format!("{label}{digests}_{version}")
    }
}

/// Returns what the file of a system's program is called that may be tried [`TRIES`] times.
pub fn tried(name: &str, version: &str) -> String {
    format!("{name}_{version}+{TRIES}.efi")
}

impl Update<'_> {
    /// Returns what the file for a partition is called.
    pub fn file(&self, part: Part, id: Guid) -> String {
        format!("{}_{}.{}.{id}.raw.gz", self.name, self.version, part.word())
    }

    /// Returns what the file of the program is called.
    pub fn program(&self) -> String {
        format!("{}_{}.efi", self.name, self.version)
    }

    /// Returns the transfers, each with the name of its file.
    pub fn transfers(&self) -> [(&'static str, String); 3] {
        [
            ("10-root.conf", self.partition(Part::Root)),
            ("20-verity.conf", self.partition(Part::Digests)),
            ("30-system.conf", self.system()),
        ]
    }

    fn partition(&self, part: Part) -> String {
        let (name, word) = (self.name, part.word());
        let kind = match part {
            Part::Root => "",
            Part::Digests => "-verity",
        };
        let what = match part {
            Part::Root => "the root",
            Part::Digests => "the digests of the root",
        };
        format!(
            "# {name}: {what}, to the partition that the running system isn't in.\n{}\
             MatchPattern={name}_@v.{word}.@u.raw.gz\n\n\
             [Target]\nType=partition\nPath=auto\nMatchPattern={}\n\
             MatchPartitionType=root-{}{kind}\nReadOnly=1\nInstancesMax=2\n",
            self.head(),
            part.label(self.label, "@v"),
            architecture(self.architecture),
        )
    }

    fn system(&self) -> String {
        let name = self.name;
        format!(
            "# {name}: kernel, initrd and command line, to the file system that firmware reads.\n{}\
             MatchPattern={name}_@v.efi\n\n\
             [Target]\nType=regular-file\nPath={SYSTEMS}\n\
             MatchPattern={name}_@v+@l-@d.efi {name}_@v+@l.efi {name}_@v.efi\n\
             Mode=0644\nTriesLeft={TRIES}\nTriesDone=0\nInstancesMax=2\n",
            self.head(),
        )
    }

    /// Returns how each transfer begins: what runs isn't replaced, and where updates are.
    fn head(&self) -> String {
        let place = match self.source {
            // The language has `%` for what is put in.
            Some(address) => format!("Type=url-file\nPath={}\n", address.replace('%', "%%")),
            None => format!("Type=regular-file\nPath=/run/{}-update\n", self.name),
        };
        format!("[Transfer]\nProtectVersion=%A\n\n[Source]\n{place}")
    }
}

/// Returns the text of [`SUMS`].
pub fn sums(files: &[(String, Sha256)]) -> String {
    let mut text = String::new();
    for (name, digest) in files {
        writeln!(text, "{digest}  {name}").expect("because a string takes it");
    }
    text
}

/// Returns systemd's word for an architecture.
fn architecture(linux: &str) -> &str {
    match linux {
        "x86_64" => "x86-64",
        "aarch64" => "arm64",
        other => other,
    }
}

/// Returns what makes a version one that these names can't have; none where they can.
pub fn misread(version: &str) -> Option<&'static str> {
    // A counter stands behind a plus, and systemd-sysupdate has no word with the other two.
    ["+", "~", "^", ".root.", ".verity.", ".efi"].into_iter().find(|part| version.contains(part))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn update(source: Option<&str>) -> Update<'_> {
        Update { name: "router", version: "1.4.2", label: "root", architecture: "x86_64", source }
    }

    #[test]
    fn files_say_what_they_are_and_where_they_go() {
        let update = update(None);
        let id = Guid::of(0x0123_4567_89ab_cdef_0123_4567_89ab_cdef);
        assert_eq!(
            update.file(Part::Root, id),
            "router_1.4.2.root.01234567-89ab-cdef-0123-456789abcdef.raw.gz"
        );
        assert_eq!(
            update.file(Part::Digests, id),
            "router_1.4.2.verity.01234567-89ab-cdef-0123-456789abcdef.raw.gz"
        );
        assert_eq!(update.program(), "router_1.4.2.efi");
        assert_eq!(tried("router", "1.4.2"), "router_1.4.2+3.efi");
        assert_eq!(Part::Digests.label("root", "1.4.2"), "root-verity_1.4.2");
    }

    #[test]
    fn transfers_are_pinned() {
        let [root, verity, system] = update(None).transfers();
        assert_eq!([root.0, verity.0, system.0], ["10-root.conf", "20-verity.conf", "30-system.conf"]);
        assert_eq!(
            root.1,
            "# router: the root, to the partition that the running system isn't in.\n\
             [Transfer]\n\
             ProtectVersion=%A\n\
             \n\
             [Source]\n\
             Type=regular-file\n\
             Path=/run/router-update\n\
             MatchPattern=router_@v.root.@u.raw.gz\n\
             \n\
             [Target]\n\
             Type=partition\n\
             Path=auto\n\
             MatchPattern=root_@v\n\
             MatchPartitionType=root-x86-64\n\
             ReadOnly=1\n\
             InstancesMax=2\n"
        );
        assert!(verity.1.contains("\nMatchPattern=router_@v.verity.@u.raw.gz\n"));
        assert!(verity.1.contains("\nMatchPattern=root-verity_@v\nMatchPartitionType=root-x86-64-verity\n"));
        let (_, target) = system.1.split_once("[Target]\n").expect("a target");
        assert_eq!(
            target,
            "Type=regular-file\n\
             Path=/efi/EFI/Linux\n\
             MatchPattern=router_@v+@l-@d.efi router_@v+@l.efi router_@v.efi\n\
             Mode=0644\n\
             TriesLeft=3\n\
             TriesDone=0\n\
             InstancesMax=2\n"
        );
    }

    #[test]
    fn an_address_is_said_as_it_is() {
        for (_, text) in update(Some("https://updates.example.com/a%20b/")).transfers() {
            assert!(text.contains("\nType=url-file\nPath=https://updates.example.com/a%%20b/\n"), "{text}");
        }
    }

    #[test]
    fn sums_are_as_sha256sum_has_them() {
        let files = [("a".to_owned(), Sha256::of(b"abc")), ("b c".to_owned(), Sha256::of(b""))];
        assert_eq!(
            sums(&files),
            "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad  a\n\
             e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855  b c\n"
        );
    }

    #[test]
    fn versions_that_names_would_be_misread_by_are_told() {
        for version in ["1", "1.4.2", "2024-01-02_rc.1"] {
            assert_eq!(misread(version), None);
        }
        for (version, part) in
            [("1+2", "+"), ("1~rc", "~"), ("1^2", "^"), ("1.root.2", ".root."), ("1.efi", ".efi")]
        {
            assert_eq!(misread(version), Some(part));
        }
    }
}
