//! The variables of EDK2's firmware for virtual machines, as they are in its flash (`OVMF_VARS`), with keys of Secure Boot put in.
//!
//! ```text
//! 0     firmware volume: zeros 16, GUID 16, length u64, "_FVH", … +0x30 size of this header u16
//! then  store: GUID of authenticated variables 16, size u32, 0x5a formatted, 0xfe healthy, zeros
//! then  variables, each at a multiple of 4, up to one that isn't there (0xff)
//!       0x55aa u16, state u8, 0, attributes u32, count u64, time 16, key u32, bytes of name u32, of data u32, GUID 16, name, data
//! ```
//! Keys are certificates, each in a list of its own: GUID of X.509 16, size of the list u32, of its header u32 (0), of an entry u32, then the
//! owner's GUID and the certificate in DER. With a platform key and `SecureBootEnable` the firmware starts only what `db` has a key of.

use std::ops::Range;

/// Names the exact bytes that keys become.
pub const REVISION: u32 = 1;
/// The most bytes of a store that are read.
pub const LIMIT: usize = 16 << 20;

/// GUID of a volume that holds variables.
const VOLUME: [u8; 16] = guid(0xfff1_2b8d, 0x7696, 0x4c8b, [0xa9, 0x85, 0x27, 0x47, 0x07, 0x5b, 0x4f, 0x50]);
/// GUID of a store of authenticated variables.
const STORE: [u8; 16] = guid(0xaaf3_2c78, 0x947b, 0x439a, [0xa1, 0x80, 0x2e, 0x14, 0x4e, 0xc3, 0x77, 0x92]);
/// Whose variables PK and KEK are.
const GLOBAL: [u8; 16] = guid(0x8be4_df61, 0x93ca, 0x11d2, [0xaa, 0x0d, 0x00, 0xe0, 0x98, 0x03, 0x2b, 0x8c]);
/// Whose variables db and dbx are.
const SECURITY: [u8; 16] =
    guid(0xd719_b2cb, 0x3d3a, 0x4596, [0xa3, 0xbc, 0xda, 0xd0, 0x0e, 0x67, 0x65, 0x6f]);
/// Whose variable `SecureBootEnable` is.
const ENABLE: [u8; 16] = guid(0xf0a3_0bc7, 0xaf08, 0x4556, [0x99, 0xc4, 0x00, 0x10, 0x09, 0xc9, 0x3a, 0x44]);
/// Whose variable `CustomMode` is.
const CUSTOM: [u8; 16] = guid(0xc076_ec0c, 0x7028, 0x4399, [0xa0, 0x72, 0x71, 0xee, 0x5c, 0x44, 0x8b, 0x9f]);
/// A list of certificates.
const X509: [u8; 16] = guid(0xa5c0_59a1, 0x94e4, 0x4aa7, [0x87, 0xb5, 0xab, 0x15, 0x5c, 0x2b, 0xf0, 0x72]);

/// Whose certificate it is that a test puts in: nobody reads it.
const OWNER: [u8; 16] = guid(0x6b69_742d, 0x7465, 0x7374, [0x8b, 0x69, 0x74, 0x2d, 0x6b, 0x65, 0x79, 0x73]);

/// Bytes before the name of a variable.
const HEAD: usize = 60;
/// Bytes of the store's header.
const STORE_HEAD: usize = 28;
/// A variable that is there and whole.
const ADDED: u8 = 0x3f;
/// Kept over restarts, for the firmware's own programs only.
const BOOT: u32 = 0x3;
/// Kept over restarts, for the system, too, and changed only by what is signed.
const SIGNED: u32 = 0x27;
/// When keys were put in: a change has to be later. The year 2000 in EFI's form.
const TIME: [u8; 16] = [0xd0, 0x07, 1, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0];

/// Writes a GUID as firmware has it.
const fn guid(a: u32, b: u16, c: u16, d: [u8; 8]) -> [u8; 16] {
    let (a, b, c) = (a.to_le_bytes(), b.to_le_bytes(), c.to_le_bytes());
    [a[0], a[1], a[2], a[3], b[0], b[1], c[0], c[1], d[0], d[1], d[2], d[3], d[4], d[5], d[6], d[7]]
}

/// Why a store of variables can't be read, or keys not be put in.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum VariablesError {
    /// It is none, or of another firmware.
    #[error("it is no store of EDK2's authenticated variables: its {part} at byte {offset} isn't one")]
    NoStore {
        /// What isn't what it has to be.
        part: &'static str,
        /// Where.
        offset: usize,
    },
    /// A variable goes over the end of the store.
    #[error("the variable at byte {offset} is damaged")]
    Damaged {
        /// Where it begins.
        offset: usize,
    },
    /// It has keys already.
    #[error("it has the variable `{name}` already")]
    Enrolled {
        /// The variable.
        name: String,
    },
    /// The store has no room for the keys.
    #[error("the keys need {needed} bytes, and the store has {room} left")]
    Full {
        /// How many they need.
        needed: usize,
        /// How many there are.
        room: usize,
    },
}

/// The keys of Secure Boot, as certificates in DER.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Keys {
    /// The GUID of whoever puts them in, as firmware has it.
    pub owner: [u8; 16],
    /// Who may change the keys that exchange keys (PK).
    pub platform: Vec<u8>,
    /// Who may change the lists of what is started (KEK).
    pub exchange: Vec<u8>,
    /// Whose programs are started (db).
    pub allowed: Vec<Vec<u8>>,
}

/// A variable that is there.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Variable {
    /// Its name.
    pub name: String,
    /// Whose it is.
    pub vendor: [u8; 16],
    /// How it is kept, and who may change it.
    pub attributes: u32,
    /// What it says.
    pub data: Vec<u8>,
}

/// Returns a store with keys and Secure Boot put into it; it has none yet, as `OVMF_VARS_4M.fd` hasn't.
pub fn enrolled(store: &[u8], keys: &Keys) -> Result<Vec<u8>, VariablesError> {
    let place = place(store)?;
    let (there, end) = walk(store, &place)?;
    let lists: Vec<u8> = keys.allowed.iter().flat_map(|certificate| list(&keys.owner, certificate)).collect();
    let added = [
        variable("db", SECURITY, SIGNED, &lists),
        variable("KEK", GLOBAL, SIGNED, &list(&keys.owner, &keys.exchange)),
        variable("PK", GLOBAL, SIGNED, &list(&keys.owner, &keys.platform)),
        variable("SecureBootEnable", ENABLE, BOOT, &[1]),
        variable("CustomMode", CUSTOM, BOOT, &[0]),
    ];
    for (name, _) in &added {
        if there.iter().any(|variable| variable.name == *name) {
            return Err(VariablesError::Enrolled { name: (*name).to_owned() });
        }
    }
    let bytes: Vec<u8> = added.into_iter().flat_map(|(_, bytes)| bytes).collect();
    let room = place.end - end;
    if bytes.len() > room {
        return Err(VariablesError::Full { needed: bytes.len(), room });
    }
    let mut store = store.to_vec();
    store[end..end + bytes.len()].copy_from_slice(&bytes);
    Ok(store)
}

/// Returns a store where all keys are those of one certificate, as a test has it.
pub fn enrol(store: &[u8], certificate: &[u8]) -> Result<Vec<u8>, VariablesError> {
    let [platform, exchange, allowed] = [certificate; 3].map(<[u8]>::to_vec);
    enrolled(store, &Keys { owner: OWNER, platform, exchange, allowed: vec![allowed] })
}

/// Returns the variables that are there.
pub fn variables(store: &[u8]) -> Result<Vec<Variable>, VariablesError> {
    Ok(walk(store, &place(store)?)?.0)
}

/// Returns where variables may be.
fn place(store: &[u8]) -> Result<Range<usize>, VariablesError> {
    let no = |part, offset| VariablesError::NoStore { part, offset };
    if store.len() > LIMIT || store.get(0x10..0x20) != Some(VOLUME.as_slice()) {
        return Err(no("volume", 0x10));
    }
    if store.get(0x28..0x2c) != Some(b"_FVH".as_slice()) {
        return Err(no("volume's header", 0x28));
    }
    let head =
        store.get(0x30..0x32).and_then(<[u8]>::first_chunk).ok_or_else(|| no("volume's header", 0x30))?;
    let start = usize::from(u16::from_le_bytes(*head));
    let rest = store.get(start..).unwrap_or_default();
    if !rest.starts_with(&STORE) || rest.get(20..22) != Some([0x5a, 0xfe].as_slice()) {
        return Err(no("store's header", start));
    }
    let size = number(rest, 16).ok_or_else(|| no("store's header", start))?;
    if size < STORE_HEAD || size > rest.len() {
        return Err(no("store's size", start + 16));
    }
    Ok(start + STORE_HEAD..start + size)
}

/// Returns the variables that are there, and where the next one would be.
fn walk(store: &[u8], place: &Range<usize>) -> Result<(Vec<Variable>, usize), VariablesError> {
    let (mut found, mut at) = (Vec::new(), place.start);
    while let Some(variable) = store[at..place.end].strip_prefix(&[0xaa, 0x55]) {
        let damaged = || VariablesError::Damaged { offset: at };
        let bytes = &store[at..place.end];
        let sizes = number(bytes, 36).zip(number(bytes, 40)).ok_or_else(damaged)?;
        let name_end = HEAD.checked_add(sizes.0).ok_or_else(damaged)?;
        let end = name_end.checked_add(sizes.1).ok_or_else(damaged)?;
        let (name, data) = bytes.get(HEAD..name_end).zip(bytes.get(name_end..end)).ok_or_else(damaged)?;
        if variable.first() == Some(&ADDED) {
            let attributes = bytes.get(4..8).and_then(<[u8]>::first_chunk).ok_or_else(damaged)?;
            let vendor = bytes.get(44..HEAD).and_then(<[u8]>::first_chunk).ok_or_else(damaged)?;
            found.push(Variable {
                name: text(name),
                vendor: *vendor,
                attributes: u32::from_le_bytes(*attributes),
                data: data.to_vec(),
            });
        }
        at = (at + end).next_multiple_of(4).min(place.end);
    }
    Ok((found, at))
}

fn number(bytes: &[u8], at: usize) -> Option<usize> {
    let number = u32::from_le_bytes(*bytes.get(at..)?.first_chunk()?);
    usize::try_from(number).ok()
}

/// Reads a name in UTF-16 with a zero behind it.
fn text(name: &[u8]) -> String {
    let (units, _) = name.as_chunks::<2>();
    let units: Vec<_> =
        units.iter().map(|unit| u16::from_le_bytes(*unit)).take_while(|unit| *unit != 0).collect();
    String::from_utf16_lossy(&units)
}

/// Writes a variable, with its padding.
fn variable(name: &'static str, vendor: [u8; 16], attributes: u32, data: &[u8]) -> (&'static str, Vec<u8>) {
    let size = |bytes: usize| u32::try_from(bytes).expect("because certificates are short").to_le_bytes();
    let text: Vec<u8> = name.encode_utf16().chain([0]).flat_map(u16::to_le_bytes).collect();
    let time = if attributes == SIGNED { TIME } else { [0; 16] };
    let mut bytes = vec![0xaa, 0x55, ADDED, 0];
    bytes.extend(attributes.to_le_bytes());
    bytes.extend([0; 8]);
    bytes.extend(time);
    bytes.extend([0; 4]);
    bytes.extend(size(text.len()));
    bytes.extend(size(data.len()));
    bytes.extend(vendor);
    bytes.extend(text);
    bytes.extend(data);
    bytes.resize(bytes.len().next_multiple_of(4), 0xff);
    (name, bytes)
}

/// Writes a list with one certificate.
fn list(owner: &[u8; 16], certificate: &[u8]) -> Vec<u8> {
    let size = |bytes: usize| u32::try_from(bytes).expect("because certificates are short").to_le_bytes();
    let entry = owner.len() + certificate.len();
    [&X509[..], &size(28 + entry), &size(0), &size(entry), owner, certificate].concat()
}

#[cfg(test)]
mod tests;
