//! From a pin to its bytes.

use std::fs::File;

use kit_hash::BlobDigests;

use super::archives::{Archives, Unavailable, first};
use super::date::Timestamp;
use super::pin::DebPin;
use crate::http::{Client, Expected, Progress};

/// Downloads a pinned package into `file`.
///
/// Every location of the suite is asked in order, the snapshot archive at the release's date last. The pinned digest
/// decides, so it doesn't matter which one answers.
pub fn fetch_deb(
    client: &Client,
    archives: &Archives,
    pin: &DebPin,
    suite: &str,
    date: Timestamp,
    file: &mut File,
    progress: &mut Progress<'_>,
) -> Result<BlobDigests, Unavailable> {
    let architecture = if pin.architecture == "all" { None } else { Some(pin.architecture.as_str()) };
    let locations = archives.locations(suite, architecture, Some(date));
    let path = pin.filename.replace('%', "%25");
    let expected = Expected::exactly(pin.size, pin.sha256);
    first(&locations, &pin.filename, |location| {
        Ok(client.download(&format!("{}/{path}", location.base), &expected, file, progress)?)
    })
}
