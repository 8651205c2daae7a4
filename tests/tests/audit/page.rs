//! The page of an audit, in a browser: it is whole, filters, searches, and fits a wide and a narrow screen.

use kit_tests::browser::{browser, shown};
use kit_tests::small::Small;

#[test]
fn a_browser_shows_the_page_of_an_audit() {
    let small = Small::new();
    small.project.write("advisories/OSV-1.json", super::advisories::ZLIB);
    let audit =
        ["audit", "small", "--as-of", "2026-10-01", "--advisories", "advisories", "--html", "page.html"];
    small.kit(&audit).failed(1, &["kit::audit::denied"]);
    let page = small.project.read("page.html");
    small.kit(&audit).failed(1, &["kit::audit::denied"]);
    assert_eq!(small.project.read("page.html"), page, "the same audit gives the same page");
    assert!(page.len() < 3_000_000, "{} bytes", page.len());

    let dom = browser(&small.project, &["--dump-dom", "file:///work/page.html"]).stdout;
    let (all, total) = shown(&dom).unwrap_or_else(|| panic!("its script counts: {dom}"));
    assert!(all == total && total > 10, "{all} of {total}");
    for text in ["CVE-2026-0001", "zlib1g", "package letters", "<svg", "4.4.3"] {
        assert!(dom.contains(text), "no {text} in:\n{dom}");
    }
    let dom = browser(&small.project, &["--dump-dom", "file:///work/page.html#filter=CVE-2026-0001"]).stdout;
    assert_eq!(shown(&dom), Some((1, total)), "{dom}");
    for size in ["1500,1200", "360,800"] {
        let size = format!("--window-size={size}");
        browser(&small.project, &["--screenshot=/work/page.png", &size, "file:///work/page.html"]);
        let image = std::fs::read(super::at(&small, "page.png")).expect("it is there");
        assert!(image.starts_with(b"\x89PNG") && image.len() > 20_000, "{} bytes", image.len());
    }
}
