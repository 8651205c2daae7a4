use super::*;

fn error(text: &str) -> String {
    parse(text).unwrap_err().to_string()
}

#[test]
fn reads_every_kind_of_value() {
    let json = parse(" {\"a\": [null, true, false, -7, 1.5e1, \"x\"], \"b\": {}} \n").unwrap();
    let items = [
        Json::Null,
        Json::Bool(true),
        Json::Bool(false),
        Json::Integer(-7),
        Json::Float(15.0),
        Json::Text("x".into()),
    ];
    let expected =
        [("a".to_owned(), Json::Array(items.to_vec())), ("b".to_owned(), Json::Object(BTreeMap::new()))];
    assert_eq!(json, Json::Object(expected.into_iter().collect()));
}

#[test]
fn integers_keep_all_64_bits() {
    assert_eq!(parse("18446744069414584320").unwrap(), Json::Integer(0xffff_ffff_0000_0000));
    assert_eq!(parse("-9223372036854775808").unwrap(), Json::Integer(i64::MIN.into()));
}

#[test]
fn strings_are_unescaped() {
    let json = parse(r#""\"\\\/\b\f\n\r\t\u00e9\ud83d\ude00ü""#).unwrap();
    assert_eq!(json, Json::Text("\"\\/\u{8}\u{c}\n\r\té😀ü".into()));
}

#[test]
fn refuses_what_is_not_json() {
    for (text, message) in [
        ("", "line 1: the text ends inside a value"),
        ("[1,\n2", "line 2: expected `,` or `]`"),
        ("[1,]", "line 1: expected a value"),
        ("{\"a\" 1}", "line 1: expected `:` after a key"),
        ("{a: 1}", "line 1: expected a key in quotes"),
        ("{\"a\":1 \"b\":2}", "line 1: expected `,` or `}`"),
        ("{\"a\":1,\n\"a\":2}", "line 2: the same key twice in one object"),
        ("01", "line 1: a number with a leading zero"),
        ("-", "line 1: expected a digit"),
        ("1.", "line 1: expected a digit"),
        ("nul", "line 1: expected a value"),
        ("1 2", "line 1: text after the end of the value"),
        ("\"a", "line 1: the text ends inside a string"),
        ("\"a\nb\"", "line 1: a control character inside a string"),
        (r#""\x""#, "line 1: an unknown escape in a string"),
        (r#""\u12""#, "line 1: expected four hexadecimal digits"),
        (r#""\u+123""#, "line 1: expected four hexadecimal digits"),
        (r#""\ud800x""#, "line 1: half of a surrogate pair"),
        (r#""\ud800\u0041""#, "line 1: half of a surrogate pair"),
        (r#""\udc00""#, "line 1: half of a surrogate pair"),
    ] {
        assert_eq!(error(text), message, "{text:?}");
    }
}

#[test]
fn nesting_is_limited() {
    let nested = |levels| format!("{}{}", "[".repeat(levels), "]".repeat(levels));
    assert!(parse(&nested(60)).is_ok());
    assert_eq!(error(&nested(100_000)), "line 1: more than 64 levels of nesting");
}

/// Every prefix and every one-byte change of a document is read or refused, and never panics.
#[test]
fn never_panics() {
    let text = r#"{"a": [null, true, -7, 1.5e-1, "x\u00e9\ud83d\ude00ü\n"], "b": {"c": [[]]}}"#;
    for end in (0..text.len()).filter(|end| text.is_char_boundary(*end)) {
        assert!(parse(&text[..end]).is_err());
    }
    for at in 0..text.len() {
        for byte in 0..=255_u8 {
            let mut bytes = text.as_bytes().to_vec();
            bytes[at] = byte;
            if let Ok(text) = std::str::from_utf8(&bytes) {
                let _ = parse(text);
            }
        }
    }
}

#[test]
fn problems_name_the_place() {
    let json = parse(r#"{"a": {"b": [1, "x", -1], "t": "x"}}"#).unwrap();
    let a = Node::root(&json).get("a");
    let items = a.get("b").items().unwrap();
    assert_eq!(items[1].integer::<u32>().unwrap_err().to_string(), "a.b[1]: expected an integer");
    assert_eq!(items[2].integer::<u32>().unwrap_err().to_string(), "a.b[2]: -1 is out of range");
    assert_eq!(a.get("c").required_text().unwrap_err().to_string(), "a.c: expected a string");
    assert_eq!(a.get("t").items().unwrap_err().to_string(), "a.t: expected a list");
    assert_eq!(a.get("t").flag().unwrap_err().to_string(), "a.t: expected true or false");
    assert_eq!(items[0].required_integer::<u8>(), Ok(1));
    assert!(!a.get("x").get("y").is_present());
}
