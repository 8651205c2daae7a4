//! Files as their authors publish them: which address serves, and what each of the others said.

use std::io::{Read as _, Seek as _};

use kit_hash::Sha256;
use kit_source::http::{Expected, Network};
use kit_source::upstream::{Attempt, Gone, fetch_file};

use crate::server::{Answer, Site, nobody, with_server};
use crate::site::client;

const BODY: &[u8] = b"the file";

fn fetch(addresses: &[String], expected: &Expected) -> Result<Vec<u8>, Gone> {
    let mut file = tempfile::tempfile().unwrap();
    fetch_file(&client(Network::Online), addresses, "file", expected, &mut file, &mut |_| {})?;
    let mut bytes = Vec::new();
    file.rewind().unwrap();
    file.read_to_end(&mut bytes).unwrap();
    Ok(bytes)
}

fn exactly() -> Expected {
    Expected::exactly(BODY.len() as u64, Sha256::of(BODY))
}

#[test]
fn the_first_address_with_the_right_file_serves() {
    let site = Site::from([
        ("/other/file".to_owned(), Answer::Bytes(b"no file!".to_vec())),
        ("/long/file".to_owned(), Answer::Endless),
        ("/good/file".to_owned(), Answer::Bytes(BODY.to_vec())),
        ("/never/file".to_owned(), Answer::Bytes(BODY.to_vec())),
    ]);
    with_server(site, |server| {
        let address = |path: &str| format!("{}/{path}/file", server.base);
        let down = format!("{}/file", nobody());
        let all = [
            down.clone(),
            address("gone"),
            address("other"),
            address("long"),
            address("good"),
            address("never"),
        ];
        assert_eq!(fetch(&all, &exactly()).unwrap(), BODY);
        assert_eq!(server.asked(), ["/gone/file", "/other/file", "/long/file", "/good/file"]);
        let gone = fetch(&all[..4], &exactly()).unwrap_err();
        assert_eq!(gone.code(), "kit::source::gone");
        let others: Vec<_> = gone.attempts.iter().map(Attempt::is_another_file).collect();
        assert_eq!(others, [false, false, true, true]);
        for text in [&down, "status 404", "has sha256", "is larger than 8 bytes"] {
            assert!(gone.to_string().contains(text), "{gone}");
        }
    });
}

#[test]
fn an_unknown_file_comes_over_no_plain_connection() {
    // Nothing is asked, so that no name has to be looked up.
    let address = ["http://mirror.invalid/file".to_owned()];
    let gone = fetch(&address, &Expected::at_most(10)).unwrap_err();
    assert_eq!(gone.attempts[0].error.code(), "kit::http::plain");
    let site = Site::from([("/file".to_owned(), Answer::Bytes(BODY.to_vec()))]);
    with_server(site, |server| {
        let address = [format!("{}/file", server.base)];
        assert_eq!(fetch(&address, &Expected::at_most(10)).unwrap(), BODY);
    });
}

#[test]
fn no_password_is_shown() {
    let address = ["http://me:secret@127.0.0.1:1/file".to_owned()];
    let gone = fetch(&address, &exactly()).unwrap_err();
    assert!(!gone.to_string().contains("secret"), "{gone}");
    assert_eq!(gone.attempts[0].shown(), "http://127.0.0.1:1/file");
}
