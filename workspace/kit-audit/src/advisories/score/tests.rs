use proptest::prelude::*;

use super::*;

#[test]
fn vectors_have_the_published_scores() {
    for (vector, value, severity) in [
        // CVE-2021-44228, CVE-2014-0160, CVE-2024-2511's kind, FIRST's examples of version 4, CVE-2002-0392
        ("CVSS:3.1/AV:N/AC:L/PR:N/UI:N/S:C/C:H/I:H/A:H", "10.0", Severity::Critical),
        ("CVSS:3.1/AV:N/AC:L/PR:N/UI:N/S:U/C:H/I:N/A:N", "7.5", Severity::High),
        ("CVSS:3.0/AV:L/AC:L/PR:L/UI:N/S:U/C:N/I:N/A:H", "5.5", Severity::Medium),
        ("CVSS:3.1/AV:N/AC:H/PR:N/UI:N/S:U/C:N/I:N/A:L", "3.7", Severity::Low),
        ("CVSS:3.1/AV:N/AC:L/PR:N/UI:N/S:U/C:N/I:N/A:N", "0.0", Severity::Note),
        ("CVSS:4.0/AV:L/AC:L/AT:P/PR:L/UI:N/VC:H/VI:H/VA:H/SC:N/SI:N/SA:N", "7.3", Severity::High),
        ("CVSS:4.0/AV:N/AC:L/AT:N/PR:N/UI:N/VC:H/VI:H/VA:H/SC:N/SI:N/SA:N", "9.3", Severity::Critical),
        ("AV:N/AC:L/Au:N/C:N/I:N/A:C", "7.8", Severity::High),
    ] {
        let score = score(vector).unwrap_or_else(|| panic!("{vector}"));
        assert_eq!((score.value.as_str(), score.severity), (value, severity), "{vector}");
    }
}

#[test]
fn what_is_no_vector_has_no_score() {
    for vector in
        ["", "high", "CVSS:3.1", "CVSS:5.0/AV:N", "CVSS:3.1/AV:X", "CVSS:4.0/AV:N/AC:L", "AV:N/AC:L"]
    {
        assert_eq!(score(vector), None, "{vector}");
    }
    assert_eq!(score(&format!("CVSS:3.1/{}", "AV:N/".repeat(100))), None);
}

#[test]
fn the_newest_version_is_best_then_the_worst() {
    let low = "CVSS:3.1/AV:N/AC:H/PR:N/UI:N/S:U/C:N/I:N/A:L";
    let worst = "CVSS:3.1/AV:N/AC:L/PR:N/UI:N/S:C/C:H/I:H/A:H";
    let high = "CVSS:3.1/AV:N/AC:L/PR:N/UI:N/S:U/C:H/I:N/A:N";
    let newest = "CVSS:4.0/AV:L/AC:L/AT:P/PR:L/UI:N/VC:H/VI:H/VA:H/SC:N/SI:N/SA:N";
    let best = |vectors: &[&str]| best(vectors.iter().copied()).map(|score| score.vector);
    assert_eq!(best(&[low, worst, high]).as_deref(), Some(worst));
    assert_eq!(best(&[worst, newest, low]).as_deref(), Some(newest));
    assert_eq!(best(&["nothing"]), None);
}

proptest! {
    #[test]
    fn no_text_panics(text in any::<String>(), near in "(CVSS:[234]\\.[01]/)?([A-Za-z]{1,3}:[A-Z]/?){0,12}") {
        let _ = (score(&text), score(&near));
    }

    /// Every vector of version 4 has a score: the crate looks them up in tables.
    #[test]
    fn every_vector_of_version_4_has_a_score(
        base in ("[NALP]", "[LH]", "[NP]", "[NLH]", "[NPA]", "[HLN]", "[HLN]", "[HLN]", "[HLN]", "[HLN]", "[HLN]"),
        more in ("[XAPU]", "[XHML]", "[XHML]", "[XHML]", "[XNALP]", "[XHLNS]", "[XHLNS]", "[XHLN]"),
    ) {
        let (av, ac, at, pr, ui, vc, vi, va, sc, si, sa) = base;
        let (e, cr, ir, ar, mav, msi, msa, mvc) = more;
        let vector = format!(
            "CVSS:4.0/AV:{av}/AC:{ac}/AT:{at}/PR:{pr}/UI:{ui}/VC:{vc}/VI:{vi}/VA:{va}/SC:{sc}/SI:{si}/SA:{sa}\
             /E:{e}/CR:{cr}/IR:{ir}/AR:{ar}/MAV:{mav}/MSI:{msi}/MSA:{msa}/MVC:{mvc}"
        );
        prop_assert!(score(&vector).is_some(), "{}", vector);
    }
}
