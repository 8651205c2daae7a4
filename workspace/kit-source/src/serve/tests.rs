use std::io::{Read as _, Write as _};
use std::net::Ipv4Addr;
use std::sync::Mutex;

use cap_std::ambient_authority;

use super::*;

/// Serves a directory while `work` talks to it; returns what was answered.
#[expect(clippy::disallowed_methods, reason = "a test makes a directory and opens it")]
fn served(work: impl FnOnce(SocketAddr, &std::path::Path)) -> Vec<Answered> {
    let directory = tempfile::tempdir().unwrap();
    let root = directory.path().join("root");
    std::fs::create_dir(&root).unwrap();
    std::fs::write(root.join("file"), "0123456789").unwrap();
    std::fs::write(directory.path().join("secret"), "secret").unwrap();
    std::os::unix::fs::symlink("../secret", root.join("out")).unwrap();
    std::os::unix::fs::symlink("/etc/passwd", root.join("far")).unwrap();
    std::os::unix::fs::symlink("file", root.join("within")).unwrap();
    let site = Directory { dir: cap_std::fs::Dir::open_ambient_dir(&root, ambient_authority()).unwrap() };
    let server = Server::bind((Ipv4Addr::LOCALHOST, 0).into()).unwrap();
    let log = Mutex::new(Vec::new());
    std::thread::scope(|scope| {
        scope.spawn(|| server.serve(&site, &|answered| log.lock().unwrap().push(answered.clone())));
        work(server.address(), &root);
        server.stop();
    });
    log.into_inner().unwrap()
}

/// Sends bytes and returns what comes back.
fn exchange(address: SocketAddr, request: &[u8]) -> String {
    let mut stream = TcpStream::connect(address).unwrap();
    // A server that has seen enough doesn't read on.
    _ = stream.write_all(request);
    let mut answer = Vec::new();
    stream.read_to_end(&mut answer).unwrap();
    String::from_utf8(answer).unwrap()
}

fn get(address: SocketAddr, target: &str, fields: &str) -> String {
    exchange(address, format!("GET {target} HTTP/1.1\r\nHost: a\r\n{fields}\r\n").as_bytes())
}

#[test]
fn files_are_given_whole_and_by_ranges() {
    let log = served(|address, _| {
        let whole = get(address, "/file", "");
        assert!(whole.starts_with("HTTP/1.1 200 OK\r\nContent-Length: 10\r\n"), "{whole}");
        assert!(whole.ends_with("\r\n\r\n0123456789"), "{whole}");
        let part = get(address, "/file", "Range: bytes=2-4\r\n");
        assert!(part.starts_with("HTTP/1.1 206 ") && part.ends_with("\r\n\r\n234"), "{part}");
        assert!(part.contains("\r\nContent-Range: bytes 2-4/10\r\n"), "{part}");
        let outside = get(address, "/file", "Range: bytes=10-\r\n");
        assert!(outside.starts_with("HTTP/1.1 416 "), "{outside}");
        assert!(outside.contains("\r\nContent-Range: bytes */10\r\n"), "{outside}");
        let head = exchange(address, b"HEAD /file HTTP/1.1\r\nHost: a\r\n\r\n");
        assert!(head.contains("\r\nContent-Length: 10\r\n") && head.ends_with("\r\n\r\n"), "{head}");
        assert!(get(address, "/within", "").ends_with("0123456789"));
    });
    let mut seen: Vec<_> = log.iter().map(|answered| (answered.status, answered.bytes)).collect();
    seen.sort_unstable();
    assert_eq!(seen, [(200, 0), (200, 10), (200, 10), (206, 3), (416, 0)]);
}

#[test]
fn nothing_outside_of_the_directory_is_reached() {
    served(|address, _| {
        for target in [
            "/",
            "/../secret",
            "/%2e%2e/secret",
            "/out",
            "/far",
            "//etc/passwd",
            "/missing",
            "/file/x",
            "/%00",
        ] {
            let answer = get(address, target, "");
            assert!(answer.starts_with("HTTP/1.1 404 "), "{target}: {answer}");
            assert!(!answer.contains("secret") && !answer.contains("root:"), "{target}: {answer}");
        }
    });
}

#[test]
fn other_requests_are_refused() {
    served(|address, _| {
        let post = exchange(address, b"POST /file HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\n\r\nabc");
        assert!(post.starts_with("HTTP/1.1 405 ") && post.contains("\r\nAllow: GET, HEAD\r\n"), "{post}");
        let huge = format!("GET /file HTTP/1.1\r\nHost: a\r\nX: {}\r\n\r\n", "x".repeat(20 << 10));
        assert!(exchange(address, huge.as_bytes()).starts_with("HTTP/1.1 431 "));
        assert!(exchange(address, b"nonsense\r\n\r\n").starts_with("HTTP/1.1 400 "));
    });
}

#[test]
fn clients_that_say_nothing_keep_nobody_from_being_answered() {
    served(|address, _| {
        let silent: Vec<_> = (0..CONNECTIONS - 1).map(|_| TcpStream::connect(address).unwrap()).collect();
        let mut slow = TcpStream::connect(address).unwrap();
        slow.write_all(b"GET /fi").unwrap();
        drop(silent);
        assert!(get(address, "/file", "").ends_with("0123456789"));
        slow.write_all(b"le HTTP/1.0\r\n\r\n").unwrap();
        let mut answer = String::new();
        slow.read_to_string(&mut answer).unwrap();
        assert!(answer.ends_with("0123456789"), "{answer}");
    });
}

#[test]
fn a_time_that_is_over_is_an_error() {
    let (client, server) = {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
        let client = TcpStream::connect(listener.local_addr().unwrap()).unwrap();
        (client, listener.accept().unwrap().0)
    };
    let soon = Instant::now() + Duration::from_millis(50);
    let error = Request::read(&server, soon).unwrap_err();
    assert!(matches!(error.kind(), io::ErrorKind::WouldBlock | io::ErrorKind::TimedOut), "{error}");
    // A client that reads nothing.
    let soon = Instant::now() + Duration::from_millis(50);
    let error = send(&server, &vec![0; 64 << 20], soon).unwrap_err();
    assert!(matches!(error.kind(), io::ErrorKind::WouldBlock | io::ErrorKind::TimedOut), "{error}");
    drop(client);
}
