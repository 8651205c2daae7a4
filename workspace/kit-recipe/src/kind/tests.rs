use super::template::{Hole, condition, hole, quoted};
use super::*;

fn words(words: &[&str]) -> Vec<String> {
    words.iter().map(|word| (*word).to_owned()).collect()
}

#[test]
fn words_are_quoted_for_the_shell() {
    for (word, expected) in [
        ("--with-x=a,b", "--with-x=a,b"),
        ("a b", "'a b'"),
        ("$(reboot)", "'$(reboot)'"),
        ("it's", "'it'\\''s'"),
        ("a;b|c&d>e`f`\"\\", "'a;b|c&d>e`f`\"\\'"),
        ("~", "'~'"),
        ("", "''"),
        ("é\n", "'é\n'"),
    ] {
        assert_eq!(quoted(word), expected);
    }
}

#[test]
fn templates_are_filled() {
    let parameters = Parameters::from([
        ("make", words(&["V=1", "X=a b"])),
        ("test", Vec::new()),
        ("features", words(&["a", "b"])),
    ]);
    let fill = |template| template::fill(template, &parameters);
    assert_eq!(fill("make @make@ @targets@\n"), "make V=1 'X=a b'\n");
    assert_eq!(fill("make @targets@ all"), "make all\n");
    assert_eq!(fill("/src/@make@@targets@/x"), "/src/V=1 'X=a b'/x\n");
    assert_eq!(fill("cargo @--features features@ @--bin bin@."), "cargo --features a --features b.\n");
    assert_eq!(fill("?test a\n!test b\n?bin c\n!bin !targets d\n?test !make e"), "a\nd\n");
    assert_eq!(fill("a@b @ c@ \"@$D\" @A@"), "a@b @ c@ \"@$D\" @A@\n");
    assert_eq!(fill("? x\n! y"), "? x\n! y\n");
}

#[test]
fn templates_name_keys_of_their_kind_alone() {
    for kind in Kind::ALL {
        let keys: Vec<_> = kind.keys().iter().map(|(key, _)| *key).collect();
        let mut used = Vec::from(["flags", "static"]);
        for mut line in kind.facts().template.lines() {
            while let Some((key, _, rest)) = condition(line) {
                assert!(keys.contains(&key), "{}: {line}", kind.word());
                used.push(key);
                line = rest;
            }
            while let Some(Hole { key, rest, .. }) = hole(line) {
                assert!(keys.contains(&key), "{}: {line}", kind.word());
                used.push(key);
                line = rest;
            }
        }
        let unused: Vec<_> = keys.iter().filter(|key| !used.contains(key)).collect();
        assert!(unused.is_empty(), "{}: {unused:?}", kind.word());
    }
}

#[test]
fn what_a_recipe_says_of_the_environment_stays() {
    let own = BTreeMap::from([("CFLAGS".to_owned(), "-Os".to_owned()), ("A".to_owned(), "b".to_owned())]);
    let parameters = Parameters::from([
        ("source", words(&["main"])),
        ("flags", words(&["-Wall", "-g"])),
        ("static", Vec::new()),
    ]);
    let env = Kind::Make.expand(&parameters, &own).env;
    assert_eq!(env["CFLAGS"], "-Os -Wall -g");
    assert_eq!(env["CXXFLAGS"], "-O2 -Wall -g");
    assert_eq!(env["LDFLAGS"], "-Wl,--build-id=none --static");
    assert_eq!(env["A"], "b");
}
