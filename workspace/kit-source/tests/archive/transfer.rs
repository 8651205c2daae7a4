//! One transfer: retries, resumption, limits, redirections.

use std::io::{Read as _, Seek as _, Write as _};
use std::time::Duration;

use kit_hash::Sha256;
use kit_source::http::{Client, Expected, HttpError, Network, Patience, Settings};

use crate::server::{Answer, Site, nobody, with_server};
use crate::site::client;

fn body() -> Vec<u8> {
    (0..100_000u32).flat_map(u32::to_le_bytes).collect()
}

fn expected() -> Expected {
    Expected::exactly(body().len() as u64, Sha256::of(&body()))
}

/// Downloads `/file` from a server that answers in one way; returns the bytes and what was asked.
fn download(answer: Answer, expected: &Expected) -> (Result<Vec<u8>, HttpError>, Vec<String>) {
    with_server(Site::from([("/file".to_owned(), answer)]), |server| {
        let mut file = tempfile::tempfile().unwrap();
        file.write_all(b"left over from before").unwrap();
        let url = format!("{}/file", server.base);
        let mut told = 0;
        let result = client(Network::Online).download(&url, expected, &mut file, &mut |count| told = count);
        let bytes = result.map(|digests| {
            let mut bytes = Vec::new();
            file.rewind().unwrap();
            file.read_to_end(&mut bytes).unwrap();
            assert_eq!(digests.sha256, Sha256::of(&bytes));
            assert_eq!((digests.size, told), (bytes.len() as u64, bytes.len() as u64));
            bytes
        });
        (bytes, server.asked())
    })
}

#[test]
fn replaces_what_was_in_the_file() {
    let (bytes, asked) = download(Answer::Bytes(body()), &expected());
    assert_eq!(bytes.unwrap(), body());
    assert_eq!(asked, ["/file"]);
    let (bytes, _) = download(Answer::Bytes(Vec::new()), &Expected::at_most(10));
    assert_eq!(bytes.unwrap(), b"");
}

#[test]
fn goes_on_where_a_transfer_broke_off() {
    let (bytes, asked) = download(Answer::Breaks(body(), true), &expected());
    assert_eq!(bytes.unwrap(), body());
    assert_eq!(asked.len(), 2, "{asked:?}");
    assert!(asked[1].starts_with("/file from "), "{asked:?}");
}

#[test]
fn starts_again_when_the_server_knows_no_ranges() {
    let (bytes, asked) = download(Answer::Breaks(body(), false), &expected());
    assert_eq!(bytes.unwrap(), body());
    assert_eq!(asked.len(), 2, "{asked:?}");
}

#[test]
fn starts_again_when_the_parts_do_not_fit() {
    let (bytes, asked) = download(Answer::Patches(body()), &expected());
    assert_eq!(bytes.unwrap(), body());
    assert_eq!(asked.len(), 3, "{asked:?}");
    assert_eq!(asked[2], "/file");
}

#[test]
fn tries_again_after_a_transient_error_only() {
    let (bytes, asked) = download(Answer::After(2, 503, body()), &expected());
    assert_eq!(bytes.unwrap(), body());
    assert_eq!(asked.len(), 3);
    let (bytes, asked) = download(Answer::After(9, 503, body()), &expected());
    assert!(matches!(bytes, Err(HttpError::Status { status: 503, .. })));
    assert_eq!(asked.len(), 3);
    let (bytes, asked) = download(Answer::After(1, 403, body()), &expected());
    assert!(matches!(bytes, Err(HttpError::Status { status: 403, .. })));
    assert_eq!(asked.len(), 1);
    let (bytes, asked) = download(Answer::AlwaysBreaks(body()), &expected());
    assert!(matches!(bytes, Err(HttpError::Interrupted { .. })), "{bytes:?}");
    assert!(asked.len() > 1);
}

#[test]
fn gives_up_on_silence() {
    let site = Site::from([("/file".to_owned(), Answer::Silence)]);
    with_server(site, |server| {
        let mut settings = Settings::new(Network::Online);
        let idle = Duration::from_millis(50);
        settings.patience = Patience { attempts: 2, pause: Duration::ZERO, idle, ..Patience::NORMAL };
        let result = Client::new(settings).get(&format!("{}/file", server.base), &expected());
        assert!(matches!(result, Err(HttpError::Timeout { .. })), "{result:?}");
        assert_eq!(server.asked().len(), 2);
    });
}

#[test]
fn serves_threads() {
    fn is_shared<T: Send + Sync>() {}
    is_shared::<Client>();
    is_shared::<kit_source::debian::Archives>();
}

#[test]
fn refuses_other_bytes_and_other_sizes() {
    let (bytes, asked) = download(Answer::Bytes(vec![0; body().len()]), &expected());
    assert!(matches!(bytes, Err(HttpError::Digest { .. })));
    assert_eq!(asked.len(), 1, "the same bytes would come again");
    let (bytes, _) = download(Answer::Bytes(vec![0; 10]), &expected());
    assert!(matches!(bytes, Err(HttpError::Size { found: 10, .. })));
    let (bytes, _) = download(Answer::Bytes(body()), &Expected::at_most(1000));
    assert!(matches!(bytes, Err(HttpError::TooLarge { limit: 1000, .. })));
    let (bytes, _) = download(Answer::Endless, &expected());
    assert!(matches!(bytes, Err(HttpError::TooLarge { .. })));
}

#[test]
fn follows_redirections_to_their_end() {
    let redirect = |target: &str| Answer::Redirect(target.to_owned());
    let site = Site::from([
        ("/a".to_owned(), redirect("/b")),
        ("/b".to_owned(), Answer::Bytes(body())),
        ("/loop".to_owned(), redirect("/pool")),
        ("/pool".to_owned(), redirect("/loop")),
    ]);
    with_server(site, |server| {
        let get = |path: &str| client(Network::Online).get(&format!("{}{path}", server.base), &expected());
        assert_eq!(get("/a").unwrap(), body());
        assert!(matches!(get("/loop"), Err(HttpError::Redirects { .. })));
        assert!(server.asked().len() < 20);
    });
}

#[test]
fn tells_addresses_that_can_not_be_asked() {
    let online = client(Network::Online);
    let code = |url: &str| online.get(url, &Expected::at_most(10)).unwrap_err().code();
    assert_eq!(code(&nobody()), "kit::http::unreachable");
    assert_eq!(code("ftp://127.0.0.1/"), "kit::http::bad_url");
    assert_eq!(code("not a url"), "kit::http::bad_url");
    assert_eq!(code("file:///etc/passwd"), "kit::http::bad_url");
    let offline = client(Network::Offline);
    let error = offline.get("http://me:secret@127.0.0.1/", &Expected::at_most(10)).unwrap_err();
    assert_eq!(error.code(), "kit::http::offline");
    assert!(!format!("{error} {error:?}").contains("secret"));
}
