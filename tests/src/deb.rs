//! Debian packages byte by byte, good ones and such as nobody makes by accident.

/// The length of a block of a tar archive, in bytes.
const BLOCK: usize = 512;

/// A tar archive in the making; nothing is checked.
#[derive(Debug, Clone, Default)]
pub struct Tar(Vec<u8>);

impl Tar {
    /// Adds the header of a member of type `kind` that everybody may read and run.
    fn header(&mut self, kind: u8, name: &str, link: &str, size: u64, rest: &[u8]) {
        self.header_with_mode(kind, name, "0000755", link, size, rest);
    }

    /// Adds the header of a member of type `kind` that claims `size` bytes; `rest` is what stands in the bytes of the
    /// header from 329 on, where devices have their numbers.
    fn header_with_mode(&mut self, kind: u8, name: &str, mode: &str, link: &str, size: u64, rest: &[u8]) {
        let mut block = [0; BLOCK];
        let mut put = |at: usize, text: &str| block[at..at + text.len()].copy_from_slice(text.as_bytes());
        put(0, name);
        put(100, mode);
        put(108, "0000000\0");
        put(116, "0000000\0");
        put(124, &format!("{size:011o}\0"));
        put(136, "00000000000\0");
        put(148, "        ");
        put(157, link);
        put(257, "ustar\x0000");
        block[156] = kind;
        block[329..329 + rest.len()].copy_from_slice(rest);
        let sum: u32 = block.iter().map(|byte| u32::from(*byte)).sum();
        block[148..156].copy_from_slice(format!("{sum:06o}\0 ").as_bytes());
        self.0.extend_from_slice(&block);
    }

    fn content(&mut self, content: &[u8]) {
        self.0.extend_from_slice(content);
        self.0.resize(self.0.len().next_multiple_of(BLOCK), 0);
    }

    /// Adds a file.
    #[must_use]
    pub fn file(mut self, name: &str, content: &[u8]) -> Self {
        self.header(b'0', name, "", content.len() as u64, b"");
        self.content(content);
        self
    }

    /// Adds a program that is run as its owner, root.
    #[must_use]
    pub fn set_user_id(mut self, name: &str, content: &[u8]) -> Self {
        self.header_with_mode(b'0', name, "0004755", "", content.len() as u64, b"");
        self.content(content);
        self
    }

    /// Adds a file with an extended attribute.
    #[must_use]
    pub fn with_attribute(mut self, name: &str, content: &[u8], attribute: &str, value: &[u8]) -> Self {
        let rest = [format!(" SCHILY.xattr.{attribute}=").as_bytes(), value, b"\n"].concat();
        // The length counts its own two digits.
        let record = [(rest.len() + 2).to_string().as_bytes(), &rest].concat();
        self.header(b'x', "pax", "", record.len() as u64, b"");
        self.content(&record);
        self.file(name, content)
    }

    /// Adds a symbolic link.
    #[must_use]
    pub fn symlink(mut self, name: &str, target: &str) -> Self {
        self.header(b'2', name, target, 0, b"");
        self
    }

    /// Adds a hard link.
    #[must_use]
    pub fn hard_link(mut self, name: &str, target: &str) -> Self {
        self.header(b'1', name, target, 0, b"");
        self
    }

    /// Adds the device that forgets everything.
    #[must_use]
    pub fn null_device(mut self, name: &str) -> Self {
        self.header(b'3', name, "", 0, b"0000001\x000000003\0");
        self
    }

    /// Adds the header of a file that claims `size` bytes, and nothing behind it.
    #[must_use]
    pub fn claims(mut self, name: &str, size: u64) -> Self {
        self.header(b'0', name, "", size, b"");
        self
    }

    /// Adds a file that is said to be sparse by GNU's records: `size` bytes of which there is none.
    #[must_use]
    pub fn sparse(mut self, name: &str, size: u64) -> Self {
        let size = size.to_string();
        let records = [("major", "1"), ("minor", "0"), ("realsize", &size)].map(|(key, value)| {
            let rest = format!(" GNU.sparse.{key}={value}\n");
            // The length counts its own two digits.
            format!("{}{rest}", rest.len() + 2)
        });
        let records = records.concat();
        self.header(b'x', "pax", "", records.len() as u64, b"");
        self.content(records.as_bytes());
        self.file(name, b"0\n")
    }

    /// Returns the archive with its end.
    pub fn end(mut self) -> Vec<u8> {
        self.0.resize(self.0.len() + 2 * BLOCK, 0);
        self.0
    }

    /// Returns what is there so far.
    pub fn unfinished(self) -> Vec<u8> {
        self.0
    }
}

/// Makes the package `name` of version `1.0-1`, with the member `data_name` (`data.tar`, `data.tar.zst`, …).
pub fn deb(name: &str, data_name: &str, data: &[u8]) -> Vec<u8> {
    deb_with_scripts(name, data_name, data, &[])
}

/// Makes the same with maintainer scripts, each by its name.
pub fn deb_with_scripts(name: &str, data_name: &str, data: &[u8], scripts: &[(&str, &str)]) -> Vec<u8> {
    let control = format!("Package: {name}\nVersion: 1.0-1\nArchitecture: amd64\nDescription: for a test\n");
    let control = Tar::default().file("./control", control.as_bytes());
    let with_script = |tar: Tar, (name, text): &(&str, &str)| tar.file(&format!("./{name}"), text.as_bytes());
    let control = scripts.iter().fold(control, with_script).end();
    let mut bytes = b"!<arch>\n".to_vec();
    for (name, content) in [("debian-binary", &b"2.0\n"[..]), ("control.tar", &control), (data_name, data)] {
        let header = format!("{name:<16}{:<12}{:<6}{:<6}{:<8}{:<10}`\n", 0, 0, 0, "100644", content.len());
        bytes.extend_from_slice(header.as_bytes());
        bytes.extend_from_slice(content);
        if content.len() % 2 == 1 {
            bytes.push(b'\n');
        }
    }
    bytes
}
