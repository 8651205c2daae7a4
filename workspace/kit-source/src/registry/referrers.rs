//! What a registry says is about an image: its referrers API.

use kit_hash::Sha256;

use super::push::{failed, resolved};
use super::{AttemptError, Registries, RegistryError, Repository, Right, base};
use crate::http::{Encryption, HttpError, Request};
use crate::upstream::{is_loopback, with_mirrors};

/// The most pages that are read.
const MOST_PAGES: usize = 32;
/// What lists are.
const LIST: &str = "application/vnd.oci.image.index.v1+json";

impl Registries<'_> {
    /// Returns the lists of what is about a document, page by page; none where the registry keeps no account of that. A mirror has its own, which
    /// may lack what the registry has, so that all of them are asked: who fails is no matter only where another one lists something.
    pub fn referrers(
        &self,
        repository: Repository<'_>,
        about: &Sha256,
        limit: u64,
    ) -> Result<Option<Vec<Vec<u8>>>, RegistryError> {
        let what =
            format!("what is about {} in `{}/{}`", about.short(), repository.registry, repository.path);
        let address = format!("{}{}/referrers/{}", base(repository.registry), repository.path, about.oci());
        let (mut attempts, mut lists, mut has_api) = (Vec::new(), Vec::new(), false);
        for url in with_mirrors(&[address], self.mirrors) {
            match self.pages(repository, &url, limit) {
                Ok(pages) => {
                    has_api = true;
                    lists.extend(pages);
                }
                // Without the API there is nothing at such an address.
                Err(AttemptError::Http(HttpError::Status { status: 400 | 404 | 405 | 501, .. })) => {}
                Err(error) => attempts.extend(failed(String::new(), &url, error).attempts),
            }
        }
        if !attempts.is_empty() && lists.iter().all(|list| is_empty(list)) {
            return Err(RegistryError { what, attempts });
        }
        Ok(has_api.then_some(lists))
    }

    fn pages(
        &self,
        repository: Repository<'_>,
        first: &str,
        limit: u64,
    ) -> Result<Vec<Vec<u8>>, AttemptError> {
        let mut pages = Vec::new();
        let mut url = first.to_owned();
        while pages.len() < MOST_PAGES {
            // No digest says what must come.
            let encryption = if is_loopback(&url) { Encryption::Optional } else { Encryption::Required };
            let page = self.ask((repository, Right::Pull), &url, &mut |url, authorization| {
                self.client.page(Request { url, accept: Some(LIST), authorization }, encryption, limit)
            })?;
            pages.push(page.bytes);
            match page.next.and_then(|next| resolved(&url, &next)) {
                Some(next) => url = next,
                None => return Ok(pages),
            }
        }
        Err(HttpError::TooLarge { url, limit: limit.saturating_mul(MOST_PAGES as u64) }.into())
    }
}

/// Whether a list names nothing. What is no list isn't empty: whoever reads it says so.
fn is_empty(list: &[u8]) -> bool {
    let list: Result<serde_json::Value, _> = serde_json::from_slice(list);
    list.is_ok_and(|list| list["manifests"].as_array().is_some_and(Vec::is_empty))
}
