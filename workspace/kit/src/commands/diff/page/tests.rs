use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use kit_audit::difference::{State, difference};
use kit_hash::Sha256;

const HOSTILE: &str = "<script>alert(1)</script>\"'&\u{202e}\x1b[0m";

fn html() -> String {
    let (mut before, mut after) = (State::named(HOSTILE), State::named(HOSTILE));
    before.take_command_line("quiet");
    after.take_command_line(&HOSTILE.replace(' ', "-"));
    super::page(&difference(&before, &after)).unwrap()
}

#[test]
fn what_is_foreign_is_escaped() {
    let html = html();
    assert!(!html.contains("<script>alert") && !html.contains(['\u{202e}', '\x1b']), "{html}");
    assert_eq!(html.matches("<script").count(), 1);
    assert!(html.contains("&#60;script&#62;alert(1)"), "{html}");
}

#[test]
fn nothing_is_fetched() {
    let html = html();
    for word in ["http:", "https:", "src=\"", "url(", "@import", "<link"] {
        assert!(!html.contains(word), "{word}");
    }
}

#[test]
fn its_own_script_runs_and_no_other() {
    let html = html();
    let script = html.split("<script>").nth(1).and_then(|rest| rest.split("</script>").next()).unwrap();
    let digest = STANDARD.encode(Sha256::of(script.as_bytes()).as_bytes());
    assert!(html.contains(&format!("script-src 'sha256-{digest}'")), "the script's digest is {digest}");
}
