//! What lockfiles pin, and who vouches for it.

use std::collections::BTreeMap;
use std::process::ExitCode;

use kit_build::load::{lock_path, word};
use kit_build::network::Network;
use kit_recipe::lockfile::{DebKey, DebianSource, FilePin, ImagePin, SourceFile, Subject, Suite};
use kit_recipe::{ImageReference, Lockfile, Name};
use kit_source::debian::date::Timestamp;
use kit_source::debian::pin::ReleasePin;
use kit_source::debian::replay;
use kit_store::Store;
use kit_tree::Blobs as _;
use serde_json::{Value, json};

use crate::Failure;
use crate::context::Context;
use crate::places::places;
use crate::project::Project;
use crate::text::Text;
use crate::units::{Bytes, count};

/// The largest `InRelease` that is read from the store, in bytes.
const RELEASE_LIMIT: u64 = 16 << 20;

/// What a look at a stored `InRelease` says about its pin.
enum Proof {
    /// The signature holds.
    Verified,
    /// The file isn't in the store.
    NotKept,
    /// It doesn't hold, for this reason.
    Refused(String),
}

impl Proof {
    fn words(&self) -> String {
        match self {
            Self::Verified => "verified again from the store".to_owned(),
            Self::NotKept => "not in the store, so not verified again; `kit lock` fetches it".to_owned(),
            Self::Refused(why) => format!("NOT verified: {why}"),
        }
    }
}

pub(super) fn run(project: &Project, subjects: &[Subject], context: &Context) -> Result<ExitCode, Failure> {
    let store = context.store()?;
    let network = Network::new(places(context)?, &store);
    let mut all = Vec::new();
    for subject in subjects {
        let lock = project.read_lock(subject)?;
        let proofs: BTreeMap<_, _> = lock
            .suites
            .iter()
            .map(|(name, suite)| (name.as_str(), prove(name, suite, &store, &network)))
            .collect();
        context.output.data(&text(&lock, &proofs)).map_err(Failure::Output)?;
        all.push(object(&lock, &proofs));
    }
    context.output.result(&json!({ "lockfiles": all })).map_err(Failure::Output)?;
    Ok(ExitCode::SUCCESS)
}

fn prove(name: &str, suite: &Suite, store: &Store, network: &Network<'_>) -> Proof {
    let kept = store.blob_of_sha256(&suite.in_release).ok().flatten();
    let Some(bytes) = kept.and_then(|blob| store.read(&blob, RELEASE_LIMIT).ok()) else {
        return Proof::NotKept;
    };
    let pin = ReleasePin {
        suite: name.to_owned(),
        codename: None,
        date: Timestamp(suite.date),
        in_release: suite.in_release,
        signed_by: suite.signed_by.clone(),
        indexes: Vec::new(),
    };
    match replay(&bytes, &pin, network.archives()) {
        Ok(_) => Proof::Verified,
        Err(error) => Proof::Refused(error.to_string()),
    }
}

fn text(lock: &Lockfile, proofs: &BTreeMap<&str, Proof>) -> String {
    let mut text = Text::default();
    text.line(format_args!("{} pins {}", lock_path(&lock.subject), lock.pin_id()));
    for (name, suite) in &lock.suites {
        text.line(format_args!("\nDebian suite {name} of {}", Timestamp(suite.date)));
        text.line(format_args!("  InRelease   sha256 {}", suite.in_release));
        for key in &suite.signed_by {
            text.line(format_args!("  signed by   {key}"));
        }
        text.line(format_args!("  signature   {}", proofs[name.as_str()].words()));
    }
    for ((package, source), debs) in &lock.closures {
        let size: u64 = debs.iter().filter_map(|key| Some(lock.debs.get(key)?.size)).sum();
        text.line(format_args!("\npackage {package}, source {source}: {} debs, {}", debs.len(), Bytes(size)));
        for key in debs {
            text.line(format_args!("  {}", deb(lock, key)));
        }
    }
    for ((package, source), pinned) in &lock.debian_sources {
        let size: u64 = pinned.files.iter().map(|file| file.size).sum();
        text.line(format_args!(
            "\npackage {package}, source {source}: source package {} {} of {}, {}",
            pinned.name,
            pinned.version,
            pinned.suite,
            Bytes(size)
        ));
        for file in &pinned.files {
            text.line(format_args!("  {}  sha256 {}", file.name, file.sha256));
        }
    }
    if !lock.crates.is_empty() {
        text.line(format_args!("\ncrates: {}", lock.crates.len()));
        for ((name, version), krate) in &lock.crates {
            text.line(format_args!("  {name} {version}  sha256 {}", krate.sha256));
        }
    }
    for ((package, source), file) in &lock.files {
        text.line(format_args!("\npackage {package}, source {source}: {}, {}", file.name, Bytes(file.size)));
        if let Some(commit) = &file.commit {
            text.line(format_args!("  commit {commit}"));
        }
        text.line(format_args!("  sha256 {}", file.sha256));
    }
    for (reference, image) in &lock.images {
        let size: u64 = image.layers.iter().map(|layer| layer.size).sum();
        let layers = count(image.layers.len(), "layer");
        text.line(format_args!("\nimage {reference}: {layers}, {}", Bytes(size)));
        if let Some(index) = &image.index {
            text.line(format_args!("  index sha256 {index}"));
        }
        text.line(format_args!("  manifest sha256 {}", image.manifest.sha256));
    }
    text.into_string()
}

fn deb(lock: &Lockfile, key: &DebKey) -> String {
    let pinned = lock.debs.get(key).map(|deb| format!("  {}  sha256 {}", deb.suite, deb.sha256));
    format!("{} {} {}{}", key.name, key.version, key.architecture, pinned.unwrap_or_default())
}

fn object(lock: &Lockfile, proofs: &BTreeMap<&str, Proof>) -> Value {
    let suite = |(name, suite): (&String, &Suite)| {
        let proof = &proofs[name.as_str()];
        json!({
            "suite": name,
            "date": Timestamp(suite.date).to_string(),
            "in_release": suite.in_release.to_string(),
            "signed_by": suite.signed_by,
            "verified": matches!(proof, Proof::Verified),
            "proof": proof.words(),
        })
    };
    let closure = |((package, source), debs): (&(Name, Name), &Vec<DebKey>)| {
        let debs: Vec<_> = debs
            .iter()
            .map(|key| {
                let pinned = lock.debs.get(key);
                json!({
                    "name": key.name,
                    "version": key.version,
                    "architecture": key.architecture,
                    "suite": pinned.map(|deb| deb.suite.as_str()),
                    "sha256": pinned.map(|deb| deb.sha256.to_string()),
                })
            })
            .collect();
        json!({ "package": package.to_string(), "source": source.to_string(), "debs": debs })
    };
    let file = |((package, source), file): (&(Name, Name), &FilePin)| {
        json!({
            "package": package.to_string(),
            "source": source.to_string(),
            "name": file.name,
            "size": file.size,
            "sha256": file.sha256.to_string(),
            "commit": file.commit.as_ref().map(ToString::to_string),
            "tree": file.tree.map(|tree| tree.to_string()),
        })
    };
    let source_package = |((package, source), pinned): (&(Name, Name), &DebianSource)| {
        let file = |file: &SourceFile| json!({ "part": file.part.to_string(), "name": file.name, "sha256": file.sha256.to_string() });
        json!({
            "package": package.to_string(),
            "source": source.to_string(),
            "name": pinned.name,
            "version": pinned.version,
            "suite": pinned.suite,
            "files": pinned.files.iter().map(file).collect::<Vec<_>>(),
        })
    };
    let image = |(reference, image): (&ImageReference, &ImagePin)| {
        json!({
            "reference": reference.to_string(),
            "index": image.index.map(|index| index.to_string()),
            "manifest": image.manifest.sha256.to_string(),
            "config": image.config.sha256.to_string(),
            "layers": image.layers.iter().map(|layer| layer.sha256.to_string()).collect::<Vec<_>>(),
        })
    };
    json!({
        "subject": word(&lock.subject),
        "pin": lock.pin_id().to_string(),
        "suites": lock.suites.iter().map(suite).collect::<Vec<_>>(),
        "images": lock.images.iter().map(image).collect::<Vec<_>>(),
        "files": lock.files.iter().map(file).collect::<Vec<_>>(),
        "sources": lock.closures.iter().map(closure).collect::<Vec<_>>(),
        "source_packages": lock.debian_sources.iter().map(source_package).collect::<Vec<_>>(),
    })
}
