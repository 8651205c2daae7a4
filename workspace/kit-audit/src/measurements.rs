//! What a machine that boots an image is expected to measure, in canonical JSON.
//!
//! ```text
//! version   1
//! image     the image
//! pin       the digest of what its lockfile pins
//! kernel    name, size, sha256, sha384, sha512 of the output that is the kernel
//! initrd    the same of the initial file system
//! cmdline   the same of the command line, without a line end
//! uki       the same of the unified kernel image
//! pcrs      "NUMBER": sha256, sha384, sha512 of the register once the unified kernel image runs
//! secure-boot-pcrs   the same where Secure Boot is on
//! ```
//! What an image has no output of is left out.
//!
//! Who measures a file (a boot loader, a firmware with measured direct boot, a confidential machine's launch measurement) hashes its bytes,
//! so these digests are what to compare with. Values of a TPM's registers depend on what else is measured and in which order: they are
//! foretold for unified kernel images, whose stub fixes that, as [`kit_format::measure`] says.

use std::collections::BTreeMap;

use kit_format::json::{JsonError, canonical};
pub use kit_format::measure::Digests;
use kit_hash::PinId;
use serde_json::{Map, Value, json};

use crate::sbom::write::Hex;

/// What is expected to be measured.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Measurements {
    /// The image.
    pub image: String,
    /// The digest of what its lockfile pins.
    pub pin: PinId,
    /// The kernel.
    pub kernel: Option<Measured>,
    /// The initial file system.
    pub initrd: Option<Measured>,
    /// The command line.
    pub cmdline: Option<Measured>,
    /// The unified kernel image.
    pub uki: Option<Measured>,
    /// Registers of a TPM, by number; empty where nothing fixes them.
    pub pcrs: BTreeMap<u8, Digests>,
    /// The same where Secure Boot is on.
    pub secure_boot_pcrs: BTreeMap<u8, Digests>,
}

/// A file that is measured.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Measured {
    /// The name of the output.
    pub name: String,
    /// Bytes.
    pub size: u64,
    /// Digests of all of it.
    pub digests: Digests,
}

impl Measurements {
    /// Returns their text: canonical JSON and a line end.
    pub fn to_text(&self) -> Result<Vec<u8>, JsonError> {
        let mut all = json!({
            "version": 1,
            "image": self.image,
            "pin": self.pin.to_string(),
        });
        let files = [
            ("kernel", &self.kernel),
            ("initrd", &self.initrd),
            ("cmdline", &self.cmdline),
            ("uki", &self.uki),
        ];
        for (name, file) in files {
            if let Some(file) = file {
                all[name] = file.to_json();
            }
        }
        for (name, pcrs) in [("pcrs", &self.pcrs), ("secure-boot-pcrs", &self.secure_boot_pcrs)] {
            let pcr =
                |(number, digests): (&u8, &Digests)| (number.to_string(), Value::Object(to_json(digests)));
            if !pcrs.is_empty() {
                all[name] = Value::Object(pcrs.iter().map(pcr).collect());
            }
        }
        let mut text = canonical(&all)?;
        text.push(b'\n');
        Ok(text)
    }
}

impl Measured {
    fn to_json(&self) -> Value {
        let mut measured = to_json(&self.digests);
        measured.insert("name".to_owned(), json!(self.name));
        measured.insert("size".to_owned(), json!(self.size));
        Value::Object(measured)
    }
}

fn to_json(digests: &Digests) -> Map<String, Value> {
    let digests: [(&str, &[u8]); 3] =
        [("sha256", &digests.sha256), ("sha384", &digests.sha384), ("sha512", &digests.sha512)];
    digests.into_iter().map(|(name, digest)| (name.to_owned(), json!(Hex(digest)))).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Changes with every change of the form: whoever compares has to know of it.
    #[test]
    fn the_bytes_are_pinned() {
        let digests = |byte: u8| Digests { sha256: [byte; 32], sha384: [byte; 48], sha512: [byte; 64] };
        let measured =
            |name: &str, byte: u8| Measured { name: name.to_owned(), size: 1, digests: digests(byte) };
        let mut measurements = Measurements {
            image: "demo".to_owned(),
            pin: "1".repeat(64).parse().unwrap(),
            kernel: Some(measured("demo-kernel", 0xaa)),
            initrd: Some(measured("demo-initrd.img", 0xbb)),
            cmdline: Some(measured("demo-cmdline", 0xcc)),
            uki: None,
            pcrs: BTreeMap::new(),
            secure_boot_pcrs: BTreeMap::new(),
        };
        let file = |name: &str, digit: &str| {
            let [a, b, c] = [64, 96, 128].map(|count| digit.repeat(count));
            format!(r#"{{"name":"{name}","sha256":"{a}","sha384":"{b}","sha512":"{c}","size":1}}"#)
        };
        let pin = "1".repeat(64);
        let (kernel, initrd, cmdline) =
            (file("demo-kernel", "a"), file("demo-initrd.img", "b"), file("demo-cmdline", "c"));
        let expected = |pcrs: &str| {
            format!(
                r#"{{"cmdline":{cmdline},"image":"demo","initrd":{initrd},"kernel":{kernel},{pcrs}"pin":"{pin}","version":1}}"#
            ) + "\n"
        };
        assert_eq!(String::from_utf8(measurements.to_text().unwrap()).unwrap(), expected(""));
        measurements.pcrs.insert(11, digests(0xdd));
        let [a, b, c] = [64, 96, 128].map(|count| "d".repeat(count));
        let pcrs = format!(r#""pcrs":{{"11":{{"sha256":"{a}","sha384":"{b}","sha512":"{c}"}}}},"#);
        assert_eq!(String::from_utf8(measurements.to_text().unwrap()).unwrap(), expected(&pcrs));
        measurements.kernel = None;
        measurements.initrd = None;
        measurements.cmdline = None;
        measurements.uki = Some(measured("demo.efi", 0xee));
        let uki = file("demo.efi", "e");
        let expected = format!(r#"{{"image":"demo",{pcrs}"pin":"{pin}","uki":{uki},"version":1}}"#) + "\n";
        assert_eq!(String::from_utf8(measurements.to_text().unwrap()).unwrap(), expected);
    }
}
