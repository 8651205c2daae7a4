//! What is put into a repository: blobs that aren't there yet, then the manifest that names them.

use std::io::Read;

use kit_hash::Sha256;

use super::{AttemptError, Registries, RegistryError, Repository, Right, base, origin};
use crate::http::{HttpError, Request, Sending, Sent, shown};

/// The media type of bytes that are nothing else.
const BYTES: &str = "application/octet-stream";

/// Opens what is to be sent; again, where a login was missing.
pub type Open<'a> = &'a mut dyn FnMut() -> std::io::Result<Box<dyn Read + 'a>>;

impl Registries<'_> {
    /// Whether a repository has a blob.
    pub fn has_blob(&self, repository: Repository<'_>, sha256: &Sha256) -> Result<bool, RegistryError> {
        let what = format!("blob {} of `{}/{}`", sha256.short(), repository.registry, repository.path);
        let url = format!("{}{}/blobs/{}", base(repository.registry), repository.path, sha256.oci());
        let looked = self.change(repository, &url, &mut |request| self.client.send(request, Sending::Look));
        match looked {
            Ok(_) => Ok(true),
            Err(AttemptError::Http(HttpError::Status { status: 404, .. })) => Ok(false),
            Err(error) => Err(failed(what, &url, error)),
        }
    }

    /// Puts a blob into a repository; the registry checks its digest.
    pub fn put_blob(
        &self,
        repository: Repository<'_>,
        sha256: &Sha256,
        size: u64,
        open: Open<'_>,
    ) -> Result<(), RegistryError> {
        let what = format!("blob {} for `{}/{}`", sha256.short(), repository.registry, repository.path);
        let url = format!("{}{}/blobs/uploads/", base(repository.registry), repository.path);
        let begun = self.change(repository, &url, &mut |request| self.client.send(request, Sending::Begin));
        let begun = begun.map_err(|error| failed(what.clone(), &url, error))?;
        let missing = || AttemptError::Http(HttpError::Url { url: shown(&url) });
        let location = begun.location.and_then(|location| resolved(&url, &location));
        let location = location.ok_or_else(|| failed(what.clone(), &url, missing()))?;
        let mark = if location.contains('?') { '&' } else { '?' };
        let target = format!("{location}{mark}digest={}", sha256.oci());
        let put = self.change(repository, &target, &mut |request| {
            let mut body = open().map_err(|source| HttpError::Write { url: shown(&target), source })?;
            self.client.send(request, Sending::Put { media_type: BYTES, size, body: &mut body })
        });
        put.map(drop).map_err(|error| failed(what, &target, error))
    }

    /// Puts a manifest into a repository, under a tag.
    pub fn put_manifest(
        &self,
        repository: Repository<'_>,
        tag: &str,
        media_type: &str,
        bytes: &[u8],
    ) -> Result<(), RegistryError> {
        let what = format!("manifest for `{}/{}` `{tag}`", repository.registry, repository.path);
        let url = format!("{}{}/manifests/{tag}", base(repository.registry), repository.path);
        let put = self.change(repository, &url, &mut |request| {
            let (size, mut body) = (bytes.len() as u64, bytes);
            self.client.send(request, Sending::Put { media_type, size, body: &mut body })
        });
        put.map(drop).map_err(|error| failed(what, &url, error))
    }

    fn change(
        &self,
        repository: Repository<'_>,
        url: &str,
        send: &mut dyn FnMut(Request<'_>) -> Result<Sent, HttpError>,
    ) -> Result<Sent, AttemptError> {
        self.ask((repository, Right::Push), url, &mut |url, authorization| {
            send(Request { url, accept: None, authorization })
        })
    }
}

fn failed(what: String, url: &str, error: AttemptError) -> RegistryError {
    RegistryError { what, attempts: vec![(shown(url), error)] }
}

/// Returns where to go on: an address, or a path of the same host. Nothing is sent to another host than the one that was asked.
fn resolved(url: &str, location: &str) -> Option<String> {
    let target = match location.strip_prefix('/') {
        Some(path) => format!("{}/{path}", origin(url)),
        None => location.to_owned(),
    };
    (origin(&target) == origin(url)).then_some(target)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn uploads_stay_with_their_host() {
        let url = "https://registry.example:5000/v2/a/blobs/uploads/";
        let go_on = "https://registry.example:5000/v2/a/blobs/uploads/1?state=x";
        assert_eq!(resolved(url, go_on).as_deref(), Some(go_on));
        assert_eq!(resolved(url, "/v2/a/blobs/uploads/1?state=x").as_deref(), Some(go_on));
        for elsewhere in
            ["https://other.example/v2/", "http://registry.example:5000/v2/", "//other.example/", ""]
        {
            let target = resolved(url, elsewhere);
            assert!(
                target.is_none_or(|target| target.starts_with("https://registry.example:5000/")),
                "{elsewhere}"
            );
        }
    }
}
