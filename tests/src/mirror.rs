//! A Debian mirror on the loopback interface that serves what a store already has.

use std::collections::BTreeMap;
use std::io::{self, BufRead as _, BufReader, Write as _};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError};

use cap_std::ambient_authority;
use cap_std::fs::Dir;
use kit_hash::BlobId;
use kit_recipe::Lockfile;
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
        let file = |deb: &kit_recipe::lockfile::Deb| {
            let blob = store.blob_of_sha256(&deb.sha256).expect("the store can be read");
            let blob = blob.unwrap_or_else(|| panic!("{} is not in the store", deb.filename));
            (format!("/{}", deb.filename), (blob, deb.size))
        };
        let files = lock.debs.values().map(file).collect();
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
