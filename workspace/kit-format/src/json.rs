//! JSON in its one canonical form, RFC 8785 for all that we write: keys sorted, no spaces, integers only.

use serde::Serialize;
use serde_json::Value;

/// Why a value has no canonical form here.
#[derive(Debug, thiserror::Error)]
pub enum JsonError {
    /// The value doesn't serialise.
    #[error("the value doesn't serialise")]
    Serialize(#[from] serde_json::Error),
    /// A number isn't an integer that every JSON reader keeps.
    #[error("the number {number} is no integer of at most 53 bits")]
    Number {
        /// As it was given.
        number: String,
    },
}

/// The largest integer that a double holds exactly, as all below it.
const MAX: u64 = (1 << 53) - 1;

/// Returns the canonical text of a value: keys sorted by UTF-16, strings escaped only where they must be.
pub fn canonical(value: &impl Serialize) -> Result<Vec<u8>, JsonError> {
    let mut out = Vec::new();
    write(&serde_json::to_value(value)?, &mut out)?;
    Ok(out)
}

fn write(value: &Value, out: &mut Vec<u8>) -> Result<(), JsonError> {
    match value {
        Value::Null => out.extend_from_slice(b"null"),
        Value::Bool(true) => out.extend_from_slice(b"true"),
        Value::Bool(false) => out.extend_from_slice(b"false"),
        Value::Number(number) => {
            let integer = number.as_i64().is_some_and(|n| n.unsigned_abs() <= MAX);
            if !integer {
                return Err(JsonError::Number { number: number.to_string() });
            }
            out.extend_from_slice(number.to_string().as_bytes());
        }
        Value::String(text) => write_string(text, out),
        Value::Array(items) => {
            out.push(b'[');
            for (index, item) in items.iter().enumerate() {
                if index > 0 {
                    out.push(b',');
                }
                write(item, out)?;
            }
            out.push(b']');
        }
        Value::Object(members) => {
            let mut members: Vec<_> = members.iter().collect();
            members.sort_by(|(a, _), (b, _)| a.encode_utf16().cmp(b.encode_utf16()));
            out.push(b'{');
            for (index, (key, value)) in members.into_iter().enumerate() {
                if index > 0 {
                    out.push(b',');
                }
                write_string(key, out);
                out.push(b':');
                write(value, out)?;
            }
            out.push(b'}');
        }
    }
    Ok(())
}

fn write_string(text: &str, out: &mut Vec<u8>) {
    out.push(b'"');
    for c in text.chars() {
        match c {
            '"' => out.extend_from_slice(b"\\\""),
            '\\' => out.extend_from_slice(b"\\\\"),
            '\u{8}' => out.extend_from_slice(b"\\b"),
            '\t' => out.extend_from_slice(b"\\t"),
            '\n' => out.extend_from_slice(b"\\n"),
            '\u{c}' => out.extend_from_slice(b"\\f"),
            '\r' => out.extend_from_slice(b"\\r"),
            c if c < ' ' => out.extend_from_slice(format!("\\u{:04x}", u32::from(c)).as_bytes()),
            c => out.extend_from_slice(c.encode_utf8(&mut [0; 4]).as_bytes()),
        }
    }
    out.push(b'"');
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn sorts_and_escapes_as_rfc_8785_does() {
        let value = json!({"\u{20ac}": 1, "\r": "a\u{1f}\"\\/\u{7f}", "\u{1f600}": -2, "\u{fb33}": [null, true, {}], "1": []});
        let text = String::from_utf8(canonical(&value).unwrap()).unwrap();
        let expected = "{\"\\r\":\"a\\u001f\\\"\\\\/\u{7f}\",\"1\":[],\"\u{20ac}\":1,\"\u{1f600}\":-2,\"\u{fb33}\":[null,true,{}]}";
        assert_eq!(text, expected);
    }

    #[test]
    fn refuses_numbers_that_readers_round() {
        assert!(matches!(canonical(&json!(1.5)), Err(JsonError::Number { .. })));
        assert!(matches!(canonical(&json!(1_u64 << 53)), Err(JsonError::Number { .. })));
        assert_eq!(canonical(&json!(MAX)).unwrap(), b"9007199254740991");
    }
}
