//! What is put into a repository: blobs that aren't there yet, then the manifest that names them. What may succeed a little later is tried
//! again.

use kit_hash::Sha256;

use super::{AttemptError, Registries, RegistryError, Repository, Right, base, origin};
use crate::http::{HttpError, LONGEST_PAUSE, Request, Sending, Sent, shown};

/// How a registry says that a blob is there.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum There {
    /// It is.
    Yes,
    /// It isn't.
    No,
}

impl Registries<'_> {
    /// Whether a repository has a blob.
    pub fn has_blob(&self, repository: Repository<'_>, sha256: &Sha256) -> Result<There, RegistryError> {
        self.looked(repository, Right::Push, sha256)
    }

    /// Whether a repository that is only read has a blob; one that can't be read has none.
    pub fn could_give(&self, repository: Repository<'_>, sha256: &Sha256) -> Result<There, RegistryError> {
        match self.looked(repository, Right::Pull, sha256) {
            Err(error) if error.is_refusal() => Ok(There::No),
            other => other,
        }
    }

    fn looked(
        &self,
        repository: Repository<'_>,
        right: Right<'_>,
        sha256: &Sha256,
    ) -> Result<There, RegistryError> {
        let what = format!("blob {} of `{}/{}`", sha256.short(), repository.registry, repository.path);
        let url = format!("{}{}/blobs/{}", base(repository.registry), repository.path, sha256.oci());
        let looked = self.again(&mut || {
            self.ask((repository, right), &url, &mut |url, authorization| {
                self.client.send(Request { url, accept: None, authorization }, Sending::Look)
            })
        });
        match looked {
            Ok(_) => Ok(There::Yes),
            Err(AttemptError::Http(HttpError::Status { status: 404, .. })) => Ok(There::No),
            Err(error) => Err(failed(what, &url, error)),
        }
    }

    /// Puts a manifest or an index into a repository, under a tag or its own digest. Returns what the registry takes it to be about; none
    /// where it is about nothing, or the registry keeps no account of such things.
    pub fn put_manifest(
        &self,
        repository: Repository<'_>,
        name: &str,
        media_type: &str,
        bytes: &[u8],
    ) -> Result<Option<String>, RegistryError> {
        let what = format!("manifest for `{}/{}` `{name}`", repository.registry, repository.path);
        let url = format!("{}{}/manifests/{name}", base(repository.registry), repository.path);
        let put = self.again(&mut || {
            self.change((repository, Right::Push), &url, &mut |request| {
                let (size, mut body) = (bytes.len() as u64, bytes);
                self.client.send(request, Sending::Put { media_type, size, body: &mut body })
            })
        });
        put.map(|sent| sent.subject).map_err(|error| failed(what, &url, error))
    }

    pub(super) fn change(
        &self,
        place: (Repository<'_>, Right<'_>),
        url: &str,
        send: &mut dyn FnMut(Request<'_>) -> Result<Sent, HttpError>,
    ) -> Result<Sent, AttemptError> {
        self.ask(place, url, &mut |url, authorization| send(Request { url, accept: None, authorization }))
    }

    /// Tries again, after a pause, what may succeed then.
    pub(super) fn again(
        &self,
        attempt: &mut dyn FnMut() -> Result<Sent, AttemptError>,
    ) -> Result<Sent, AttemptError> {
        for number in 1.. {
            match attempt() {
                Err(error) if self.is_worth_a_retry(&error, number) => self.pause(&error, number),
                result => return result,
            }
        }
        unreachable!("because the loop ends by returning")
    }

    /// Whether there is a further attempt after the one of this number.
    pub(super) fn is_worth_a_retry(&self, error: &AttemptError, number: u32) -> bool {
        let transient = matches!(error, AttemptError::Http(error) if error.is_transient());
        transient && number < self.client.patience().attempts
    }

    /// Waits after an attempt: twice as long each time, or as long as the server wants.
    pub(super) fn pause(&self, error: &AttemptError, number: u32) {
        let own = self.client.patience().pause * 2_u32.saturating_pow(number - 1);
        let asked = match error {
            AttemptError::Http(HttpError::Status { retry_after: Some(asked), .. }) => *asked,
            _ => own,
        };
        std::thread::sleep(asked.max(own).min(LONGEST_PAUSE));
    }
}

impl RegistryError {
    /// Whether the registry answered, and doesn't give it.
    fn is_refusal(&self) -> bool {
        self.attempts.iter().all(|(_, error)| match error {
            AttemptError::Login(_) => true,
            AttemptError::Http(HttpError::Status { status, .. }) => {
                (400..500).contains(status) && *status != 429
            }
            AttemptError::Http(_) => false,
        })
    }
}

pub(super) fn failed(what: String, url: &str, error: AttemptError) -> RegistryError {
    RegistryError { what, attempts: vec![(shown(url), error)] }
}

/// Returns where to go on: an address, or a path of the same host. Nothing is sent to another host than the one that was asked.
pub(super) fn resolved(url: &str, location: &str) -> Option<String> {
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
