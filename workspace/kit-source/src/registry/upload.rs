//! One blob into a repository (distribution specification 1.1, "Pushing blobs"): mounted from another repository of the registry, or sent in
//! one piece; an upload that breaks off goes on where the registry says that it is.

use std::io::{self, Read};

use kit_hash::Sha256;

use super::push::{There, failed, resolved};
use super::{AttemptError, Registries, RegistryError, Repository, Right, base};
use crate::http::{Counted, HttpError, Progress, Request, Sending, Sent, shown};

/// The media type of bytes that are nothing else.
const BYTES: &str = "application/octet-stream";

/// Opens what is to be sent, from its start; again, where a login was missing or an attempt failed.
pub type Open<'a> = &'a mut dyn FnMut() -> io::Result<Box<dyn Read + 'a>>;

/// A blob that a repository hasn't got.
#[derive(Debug, Clone, Copy)]
pub struct Upload<'a> {
    /// Its digest, which the registry checks.
    pub sha256: Sha256,
    /// Bytes.
    pub size: u64,
    /// A repository of the same registry that has it.
    pub mount_from: Option<&'a str>,
}

/// How a blob came into a repository.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Arrived {
    /// From another repository, without being sent.
    Mounted,
    /// It was sent.
    Sent,
}

/// Where an upload is.
struct Place {
    /// Where to go on.
    location: String,
    /// Bytes that are there.
    at: u64,
}

impl Registries<'_> {
    /// Puts a blob into a repository; `progress` hears how much of it was sent.
    pub fn put_blob(
        &self,
        repository: Repository<'_>,
        upload: &Upload<'_>,
        open: Open<'_>,
        progress: &mut Progress<'_>,
    ) -> Result<Arrived, RegistryError> {
        let sha256 = &upload.sha256;
        let what = format!("blob {} for `{}/{}`", sha256.short(), repository.registry, repository.path);
        let url = format!("{}{}/blobs/uploads/", base(repository.registry), repository.path);
        let error = |error| failed(what.clone(), &url, error);
        let Some(place) = self.begin(repository, &url, upload).map_err(error)? else {
            return Ok(Arrived::Mounted);
        };
        let sending = Uploading { registries: self, repository, url: &url, upload, open, progress };
        sending.run(place).map_err(error)?;
        Ok(Arrived::Sent)
    }

    /// Begins an upload; none when the blob is there by that.
    fn begin(
        &self,
        repository: Repository<'_>,
        url: &str,
        upload: &Upload<'_>,
    ) -> Result<Option<Place>, AttemptError> {
        let mount = upload.mount_from.map(|from| format!("{url}?mount={}&from={from}", upload.sha256.oci()));
        let right = upload.mount_from.map_or(Right::Push, Right::Mount);
        let target = mount.as_deref().unwrap_or(url);
        let begin = &mut |request: Request<'_>| self.client.send(request, Sending::Begin);
        let begun = match self.again(&mut || self.change((repository, right), target, begin)) {
            // Some registries refuse what they can't mount.
            Err(AttemptError::Http(HttpError::Status { status: 400..=405, .. }) | AttemptError::Login(_))
                if mount.is_some() =>
            {
                self.again(&mut || self.change((repository, Right::Push), url, begin))?
            }
            other => other?,
        };
        if begun.status == 201 && mount.is_some() {
            return Ok(None);
        }
        Ok(Some(Place { location: location(url, &begun)?, at: 0 }))
    }
}

fn location(url: &str, sent: &Sent) -> Result<String, AttemptError> {
    let location = sent.location.as_deref().and_then(|location| resolved(url, location));
    location.ok_or_else(|| AttemptError::Http(HttpError::Url { url: shown(url) }))
}

/// An upload under way.
struct Uploading<'u, 'o, 'p> {
    registries: &'u Registries<'u>,
    repository: Repository<'u>,
    url: &'u str,
    upload: &'u Upload<'u>,
    open: Open<'o>,
    progress: &'u mut Progress<'p>,
}

impl Uploading<'_, '_, '_> {
    fn run(mut self, mut place: Place) -> Result<(), AttemptError> {
        let mut went_on = false;
        for number in 1.. {
            let error = match self.send(&mut place) {
                Ok(()) => return Ok(()),
                Err(error) => error,
            };
            // What was put together from several pieces may be wrong where one of them is not.
            let patched = std::mem::take(&mut went_on)
                && matches!(error, AttemptError::Http(HttpError::Status { status: 400..=499, .. }));
            if !(patched || self.registries.is_worth_a_retry(&error, number)) {
                return Err(error);
            }
            self.registries.pause(&error, number);
            let found = if patched { None } else { self.find(&place) };
            place = match found {
                Some(found) => {
                    went_on = found.at > 0;
                    found
                }
                // The answer may be all that was lost.
                None if self.is_there()? => return Ok(()),
                None => {
                    let upload = Upload { mount_from: None, ..*self.upload };
                    let begun = self.registries.begin(self.repository, self.url, &upload)?;
                    begun.expect("because nothing is mounted")
                }
            };
        }
        unreachable!("because the loop ends by returning")
    }

    fn is_there(&self) -> Result<bool, AttemptError> {
        let has = self.registries.has_blob(self.repository, &self.upload.sha256);
        has.map(|there| there == There::Yes).map_err(|mut error| {
            let last = error.attempts.pop();
            last.expect("because there is an attempt for each error").1
        })
    }

    /// Asks how far an upload is; none where the registry doesn't know it any more, or what it says can't be.
    fn find(&self, place: &Place) -> Option<Place> {
        let asked = self.change(&place.location, &mut |client, request| client.send(request, Sending::Ask));
        let asked = asked.ok()?;
        let at = match asked.range.as_deref() {
            None => 0,
            Some(range) => {
                let last: u64 = range.trim_start_matches("bytes=").strip_prefix("0-")?.parse().ok()?;
                // `0-0` is what registries say of nothing, too: nothing can be told from one byte.
                if last == 0 { 0 } else { last.checked_add(1)? }
            }
        };
        let location = location(self.url, &asked).unwrap_or_else(|_| place.location.clone());
        (at <= self.upload.size).then_some(Place { location, at })
    }

    /// Sends what isn't there yet.
    fn send(&mut self, place: &mut Place) -> Result<(), AttemptError> {
        let size = self.upload.size;
        if place.at > 0 && place.at < size {
            let (url, from) = (place.location.clone(), place.at);
            let sent = self.body(&url, from, &mut |body| Sending::Patch { from, size: size - from, body })?;
            *place = Place { location: location(self.url, &sent)?, at: size };
        }
        let mark = if place.location.contains('?') { '&' } else { '?' };
        let target = format!("{}{mark}digest={}", place.location, self.upload.sha256.oci());
        let from = place.at;
        self.body(&target, from, &mut |body| Sending::Put { media_type: BYTES, size: size - from, body })?;
        Ok(())
    }

    /// Sends a body that begins at `from`.
    fn body(
        &mut self,
        url: &str,
        from: u64,
        sending: &mut dyn for<'b> FnMut(&'b mut dyn Read) -> Sending<'b>,
    ) -> Result<Sent, AttemptError> {
        let Self { registries, repository, open, progress, .. } = self;
        let place = (*repository, Right::Push);
        registries.change(place, url, &mut |request| {
            let io = |source| HttpError::Write { url: shown(url), source };
            let mut content = open().map_err(io)?;
            let skipped = io::copy(&mut content.by_ref().take(from), &mut io::sink()).map_err(io)?;
            debug_assert_eq!(skipped, from);
            let mut counted = Counted::new(content, from, &mut **progress);
            registries.client.send(request, sending(&mut counted))
        })
    }

    fn change(
        &self,
        url: &str,
        send: &mut dyn FnMut(&crate::http::Client, Request<'_>) -> Result<Sent, HttpError>,
    ) -> Result<Sent, AttemptError> {
        let client = self.registries.client;
        self.registries.change((self.repository, Right::Push), url, &mut |request| send(client, request))
    }
}
