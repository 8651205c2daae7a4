//! Stanzas of `Name: value` fields (deb822(5)), read in place.

/// One field of a stanza; its value keeps the line breaks of continuation lines.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Field<'a> {
    /// The name as it is written; names compare without case.
    pub name: &'a str,
    /// The value without the surrounding white space.
    pub value: &'a str,
}

/// Iterates over the fields of one stanza in order.
///
/// Comment lines (`#`) and lines that are no field are passed over.
pub fn fields(stanza: &str) -> impl Iterator<Item = Field<'_>> {
    let mut rest = stanza;
    std::iter::from_fn(move || {
        while !rest.is_empty() {
            let end = end_of_field(rest);
            let (field, behind) = rest.split_at(end);
            rest = behind;
            if let Some((name, value)) = field.split_once(':').filter(|(name, _)| is_field_name(name)) {
                return Some(Field { name, value: value.trim() });
            }
        }
        None
    })
}

/// Returns the value of the first field called `name`.
pub fn field<'a>(stanza: &'a str, name: &str) -> Option<&'a str> {
    fields(stanza).find(|field| field.name.eq_ignore_ascii_case(name)).map(|field| field.value)
}

/// Iterates over the stanzas of a text; they are separated by lines without anything but blanks.
pub fn stanzas(text: &str) -> impl Iterator<Item = &str> {
    let mut rest = text;
    std::iter::from_fn(move || {
        loop {
            let line_end = rest.find('\n').map_or(rest.len(), |at| at + 1);
            if rest.is_empty() {
                return None;
            }
            if !rest[..line_end].trim().is_empty() {
                break;
            }
            rest = &rest[line_end..];
        }
        let mut end = 0;
        while end < rest.len() {
            let line_end = rest[end..].find('\n').map_or(rest.len(), |at| end + at + 1);
            if rest[end..line_end].trim().is_empty() {
                break;
            }
            end = line_end;
        }
        let (stanza, behind) = rest.split_at(end);
        rest = behind;
        Some(stanza)
    })
}

/// Iterates over the lines of a value, trimmed; a lone `.` stands for an empty line and comments are left out.
pub fn lines(value: &str) -> impl Iterator<Item = &str> {
    value
        .lines()
        .filter(|line| !line.starts_with('#'))
        .map(str::trim)
        .map(|line| if line == "." { "" } else { line })
}

/// Returns where the first field and its continuation lines end.
fn end_of_field(text: &str) -> usize {
    let bytes = text.as_bytes();
    let mut at = 0;
    loop {
        match memchr::memchr(b'\n', &bytes[at..]) {
            None => return bytes.len(),
            Some(length) => at += length + 1,
        }
        // A comment between continuation lines belongs to none of them (deb822(5)); `lines` drops it.
        if !matches!(bytes.get(at), Some(b' ' | b'\t' | b'#')) {
            return at;
        }
    }
}

fn is_field_name(name: &str) -> bool {
    !name.is_empty() && !name.starts_with(['#', '-']) && name.bytes().all(|byte| byte.is_ascii_graphic())
}

#[cfg(test)]
mod tests {
    use super::*;

    const TEXT: &str = "\n\n# first\nTypes: deb\nURIs: http://a/\n# between\n  http://b/\nSigned-By:\n -----BEGIN\n .\n x\n\n \nPackage: b\nno field\nEmpty:\n";

    #[test]
    fn splits_stanzas_and_fields() {
        let all: Vec<_> = stanzas(TEXT).collect();
        assert_eq!(all.len(), 2);
        assert_eq!(field(all[0], "types"), Some("deb"));
        let uris: Vec<_> = lines(field(all[0], "URIs").unwrap()).collect();
        assert_eq!(uris, ["http://a/", "http://b/"]);
        let key: Vec<_> = lines(field(all[0], "Signed-By").unwrap()).collect();
        assert_eq!(key, ["-----BEGIN", "", "x"]);
        let names: Vec<_> = fields(all[1]).map(|field| (field.name, field.value)).collect();
        assert_eq!(names, [("Package", "b"), ("Empty", "")]);
        assert_eq!(field(all[1], "Types"), None);
    }

    proptest::proptest! {
        #[test]
        fn never_panics(text in "[aB:# \n\t.ä-]{0,60}") {
            for stanza in stanzas(&text) {
                proptest::prop_assert!(!stanza.trim().is_empty());
                let _ = fields(stanza).flat_map(|field| lines(field.value)).count();
            }
        }
    }
}
