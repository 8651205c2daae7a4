//! A Debian mirror on the loopback interface that serves what a store already has.

use std::collections::BTreeMap;
use std::io::{self, BufRead as _, BufReader, Write as _};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError};

use cap_std::ambient_authority;
use cap_std::fs::Dir;
use kit_hash::{BlobId, Sha256};
use kit_recipe::Lockfile;
use kit_recipe::lockfile::SourcePart;
use kit_store::Store;

/// A server of the packages that a lockfile pins; lives as long as the test program.
#[derive(Debug)]
pub struct Mirror {
    address: SocketAddr,
    shared: Arc<Shared>,
}

#[derive(Debug)]
struct Shared {
    store: Store,
    files: BTreeMap<String, (BlobId, u64)>,
    served: Mutex<BTreeMap<String, usize>>,
}

impl Mirror {
    /// Serves the Debian packages of a lockfile out of a store that has them all.
    pub fn start(lock: &Lockfile, store: &Path) -> Self {
        let dir = Dir::open_ambient_dir(store, ambient_authority()).expect("the store is there");
        let store = Store::open(dir, store).expect("the store opens");
        let file = |(path, size, sha256): (String, u64, Sha256)| {
            let blob = store.blob_of_sha256(&sha256).expect("the store can be read");
            let blob = blob.unwrap_or_else(|| panic!("{path} is not in the store"));
            (format!("/{path}"), (blob, size))
        };
        let files = debian_files(lock).into_iter().map(file).collect();
        let shared = Arc::new(Shared { store, files, served: Mutex::default() });
        let listener = TcpListener::bind("127.0.0.1:0").expect("loopback is there");
        let address = listener.local_addr().expect("it has an address");
        let serving = Arc::clone(&shared);
        std::thread::spawn(move || {
            for client in listener.incoming().flatten() {
                let shared = Arc::clone(&serving);
                // A client that was killed doesn't listen any more.
                std::thread::spawn(move || _ = answer(&shared, &client));
            }
        });
        Self { address, shared }
    }

    /// Returns its address, for `KIT_DEBIAN_MIRROR`.
    pub fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    /// Returns how often each path was asked for, since the last call.
    pub fn served(&self) -> BTreeMap<String, usize> {
        std::mem::take(&mut self.shared.served.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

/// Returns path, size and digest of every file of Debian's archive that a build of what is locked fetches.
pub fn debian_files(lock: &Lockfile) -> Vec<(String, u64, Sha256)> {
    let debs = lock.debs.values().map(|deb| (deb.filename.clone(), deb.size, deb.sha256));
    let sources = lock.debian_sources.values().flat_map(|source| {
        // The description has told what it has to tell when it was locked.
        let fetched = source.files.iter().filter(|file| file.part != SourcePart::Description);
        fetched.map(|file| (format!("{}/{}", source.directory, file.name), file.size, file.sha256))
    });
    debs.chain(sources).collect()
}

/// Answers one request.
fn answer(shared: &Shared, mut client: &TcpStream) -> io::Result<()> {
    let mut lines = BufReader::new(client).lines();
    let request = lines.next().unwrap_or(Ok(String::new()))?;
    for line in lines {
        if line?.is_empty() {
            break;
        }
    }
    let path = request.split(' ').nth(1).unwrap_or_default().to_owned();
    let mut served = shared.served.lock().unwrap_or_else(PoisonError::into_inner);
    *served.entry(path.clone()).or_default() += 1;
    drop(served);
    let Some((blob, size)) = shared.files.get(&path) else {
        return client.write_all(b"HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\nConnection: close\r\n\r\n");
    };
    write!(client, "HTTP/1.1 200 OK\r\nContent-Length: {size}\r\nConnection: close\r\n\r\n")?;
    let mut file = shared.store.open_blob_file(blob).map_err(io::Error::from)?;
    io::copy(&mut file, &mut client).map(drop)
}
