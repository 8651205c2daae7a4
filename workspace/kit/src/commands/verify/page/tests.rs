use kit_build::verify::explain;

use super::{Cause, Section, render, tree};

/// A page about what two texts differ in.
fn page_of(name: &str, before: &[u8], after: &[u8]) -> String {
    let mut nodes = Vec::new();
    tree(&mut nodes, &explain(before, after), 0, ("before", "after"));
    let cause = Cause { title: name.to_owned(), summary: String::new(), facts: Vec::new(), nodes };
    let section = Section::of_files(name.to_owned(), String::new(), Vec::new(), vec![cause]);
    render(name, vec![section]).unwrap()
}

#[test]
fn what_is_foreign_is_escaped() {
    let hostile = "<script>alert(1)</script>\"'&\u{202e}\x1b[0m";
    let page = page_of(hostile, b"<img src=x onerror=alert(1)>\n", b"</pre><script>alert(2)</script>\n");
    assert!(!page.contains("<img") && !page.contains("<script>alert"), "{page}");
    assert!(!page.contains(['\u{202e}', '\x1b']));
    assert_eq!(page.matches("<script").count(), 1);
    for text in ["&#60;script&#62;alert(1)", "&#60;img src=x", "\\u{202e}\\x1b[0m"] {
        assert!(page.contains(text), "no {text} in {page}");
    }
}

#[test]
fn nothing_is_fetched() {
    let page = page_of("a", b"x", b"y");
    for word in ["http:", "https:", "src=", "url(", "@import", "<link"] {
        assert!(!page.contains(word), "{word}");
    }
}

#[test]
fn bytes_that_differ_are_marked() {
    let page = page_of("a", b"same text 1\0\0", b"same text 2\0\0");
    assert!(page.contains("73 61 6d 65 20 74 65 78  74 20 <mark>31</mark> 00 00"), "{page}");
    assert!(page.contains("<i>│</i>same text <mark>2</mark>··<i>│</i>"), "{page}");
}
