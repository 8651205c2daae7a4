use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use std::collections::BTreeMap;

use kit_audit::finding::{Area, Finding, Kind, Severity};
use kit_audit::policy::{Day, Judged, Judgement, Level, Why};
use kit_audit::report::page::Page;
use kit_audit::report::{Depth, Report, Table};
use kit_hash::Sha256;

const HOSTILE: &str = "<script>alert(1)</script>\"'&\u{202e}\x1b[0m";

static KIND: Kind = Kind {
    id: "elf-no-pie",
    area: Area::Hardening,
    severity: Severity::Low,
    title: "A program is always at the same place",
    help: "build it with `-fPIE`",
};

fn html() -> String {
    let finding = Finding::new(&KIND, HOSTILE, HOSTILE).with_help(HOSTILE);
    let why = Why { line: Some(3), words: HOSTILE.to_owned() };
    let judged = vec![Judged { finding, level: Level::Deny, why, exception: None }];
    let judgement = Judgement { judged, exceptions: Vec::new(), left_out: vec![HOSTILE.to_owned()] };
    let cells = vec![HOSTILE.to_owned()];
    let table = Table {
        id: "privileges",
        title: HOSTILE.to_owned(),
        note: HOSTILE.to_owned(),
        columns: cells.clone(),
        rows: vec![cells],
    };
    let page = Page::new(&Report {
        image: HOSTILE,
        path: Some(HOSTILE),
        pin: None,
        version: "0",
        today: Day::of_seconds(0),
        depth: &Depth::Foreign(HOSTILE.to_owned()),
        kinds: &[&KIND],
        inventory: None,
        licences: &BTreeMap::new(),
        judgement: &judgement,
        tables: &[table],
    });
    super::page(&page).unwrap()
}

#[test]
fn what_is_foreign_is_escaped() {
    let html = html();
    assert!(!html.contains("<script>alert") && !html.contains(['\u{202e}', '\x1b']), "{html}");
    assert_eq!(html.matches("<script").count(), 2);
    assert!(html.contains("&#60;script&#62;alert(1)"), "{html}");
}

#[test]
fn nothing_is_fetched() {
    let html = html().replace("http://www.w3.org/2000/svg", "");
    for word in ["http:", "https:", "src=", "url(", "@import", "<link"] {
        assert!(!html.contains(word), "{word}");
    }
}

#[test]
fn the_digest_is_that_of_the_script() {
    let html = html();
    let script = html.split("<script>").nth(1).unwrap().split("</script>").next().unwrap();
    let digest = STANDARD.encode(Sha256::of(script.as_bytes()).as_bytes());
    assert!(html.contains(&format!("script-src 'sha256-{digest}'")), "the digest is {digest}");
}
