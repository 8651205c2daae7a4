//! Reads the text of a lockfile back.

mod debian_source;
mod image;
mod upstream;

use std::collections::{BTreeMap, BTreeSet};
use std::str::FromStr;

use kit_hash::{HexError, PinId, Sha256};
use toml::de::DeValue;

use super::{
    Advisories, ContainerPin, Crate, Deb, DebKey, DebSource, Lockfile, Output, Step, Subject, Suite, date,
};
use crate::image::{Base, Format};
use crate::parse::section::Section;
use crate::parse::value::{Items, Value};
use crate::parse::{Faults, check, document};
use crate::problem::{Area, Fault, Problems, Shape};
use crate::recipe::RecipeName;
use crate::{Name, Spanned};

/// The version of the text that is read and written.
const VERSION: u64 = 1;

impl Lockfile {
    /// Reads what [`Lockfile::to_text`] wrote; reports every problem, and whether a pin was edited by hand.
    pub fn parse(text: &str) -> Result<Self, Problems> {
        document(Area::Lock, text, |root, faults| {
            let (lockfile, written, value) = lockfile(root, faults)?;
            let pin = lockfile.pin_id();
            if faults.count() == 0 && pin != written {
                value.fault::<()>(Fault::Edited { pin: pin.short() }, faults);
            }
            Some(lockfile)
        })
    }

    /// Reads a lockfile like [`Lockfile::parse`], even one whose pins were edited by hand: to repair it, never to build.
    pub fn parse_edited(text: &str) -> Result<Self, Problems> {
        document(Area::Lock, text, |root, faults| Some(lockfile(root, faults)?.0))
    }
}

/// Reads all of it; also returns the pin that is written, and where.
fn lockfile<'d>(mut root: Section<'d>, faults: &mut Faults<'_>) -> Option<(Lockfile, PinId, Value<'d>)> {
    version(&mut root, faults)?;
    let pin = required(&mut root, "pin").and_then(|value| Some((digest(&value, faults)?, value)));
    let lockfile = pins(&mut root, faults);
    root.finish(faults);
    let (written, value) = pin?;
    Some((lockfile?, written, value))
}

/// Checks the version; of another one nothing else can be said.
fn version(root: &mut Section<'_>, faults: &mut Faults<'_>) -> Option<()> {
    let Some(value) = root.value("version") else {
        faults.add(0..0, Fault::LockVersion { version: "none".to_owned() });
        return None;
    };
    let known = matches!(value.node, DeValue::Integer(number) if number.as_str() == VERSION.to_string());
    if known {
        Some(())
    } else {
        value.fault(Fault::LockVersion { version: faults.written(&value.span).to_owned() }, faults)
    }
}

fn pins(root: &mut Section<'_>, faults: &mut Faults<'_>) -> Option<Lockfile> {
    let subject = required(root, "subject").and_then(|v| subject(&v, faults));
    let epoch = required(root, "epoch").and_then(|v| v.number(0, u64::MAX, faults));
    let architecture = required(root, "architecture");
    let architecture = architecture.and_then(|value| value.line(faults)).map(ToOwned::to_owned);
    let source_date = required(root, "source-date");
    let source_date = source_date.and_then(|value| seconds(&value, faults));
    let recipes = map(root, "recipes", faults, |value, faults| {
        Some((recipe_name(value, faults)?, digest(value, faults)?))
    });
    let suites = map(root, "suites", faults, suite);
    let debs = debs(root, faults);
    let closures = map(root, "closures", faults, closure);
    let debian_sources = map(root, "debian-sources", faults, debian_source::debian_source);
    if faults.count() == 0 {
        dangling(&debs, &closures, &suites, faults);
        debian_source::dangling(root, &debian_sources, &suites, faults);
    }
    let debs = debs.into_iter().map(|deb| deb.value).collect();
    let plain = |keys: Vec<Spanned<DebKey>>| keys.into_iter().map(|key| key.value).collect();
    let closures = closures.into_iter().map(|(names, keys)| (names, plain(keys))).collect();
    let crates = map(root, "crates", faults, one_crate);
    let files = map(root, "files", faults, upstream::file);
    let images = map(root, "images", faults, image::image);
    let locals = map(root, "locals", faults, local);
    let steps = map(root, "steps", faults, step);
    let containers = map(root, "containers", faults, container);
    let outputs = map(root, "outputs", faults, output);
    let advisories = root.section("advisories", faults).map(|section| advisories(section, faults));
    Some(Lockfile {
        epoch: epoch?,
        subject: subject?,
        architecture: architecture?,
        source_date: source_date?,
        recipes,
        suites,
        debs,
        closures,
        debian_sources,
        crates,
        files,
        images,
        locals,
        steps,
        containers,
        outputs,
        advisories: advisories.map_or(Some(None), |read| read.map(Some))?,
    })
}

fn advisories(mut section: Section<'_>, faults: &mut Faults<'_>) -> Option<Advisories> {
    let sha256 = digest_at(&mut section, "snapshot", faults);
    let date = required(&mut section, "date");
    let date = date.and_then(|value| seconds(&value, faults));
    section.finish(faults);
    Some(Advisories { sha256: sha256?, date: date? })
}

/// Reads a section whose keys name its entries.
fn map<K: Ord, V>(
    root: &mut Section<'_>,
    key: &'static str,
    faults: &mut Faults<'_>,
    read: impl Fn(&Value<'_>, &mut Faults<'_>) -> Option<(K, V)>,
) -> BTreeMap<K, V> {
    let Some(section) = root.section(key, faults) else { return BTreeMap::new() };
    section.entries().filter_map(|value| read(&value, faults)).collect()
}

/// Asks for a key that every lockfile has.
fn required<'d>(section: &mut Section<'d>, key: &'static str) -> Option<Value<'d>> {
    section.required(key, "")
}

/// Notes a key that has another form.
fn invalid_entry<T>(
    value: &Value<'_>,
    section: &'static str,
    form: &'static str,
    faults: &mut Faults<'_>,
) -> Option<T> {
    faults.add(value.key_span.clone(), Fault::InvalidEntry { entry: value.key.to_owned(), section, form });
    None
}

fn digest<T: FromStr<Err = HexError>>(value: &Value<'_>, faults: &mut Faults<'_>) -> Option<T> {
    read_digest(value, faults, str::parse)
}

fn oci_digest(value: &Value<'_>, faults: &mut Faults<'_>) -> Option<Sha256> {
    read_digest(value, faults, Sha256::from_oci)
}

fn read_digest<T>(
    value: &Value<'_>,
    faults: &mut Faults<'_>,
    read: impl Fn(&str) -> Result<T, HexError>,
) -> Option<T> {
    match read(value.any_text(faults)?) {
        Ok(digest) => Some(digest),
        Err(error) => {
            value.fault(Fault::InvalidDigest { key: value.key.to_owned(), why: error.to_string() }, faults)
        }
    }
}

/// Reads the digest at a key of an entry.
fn digest_at<T: FromStr<Err = HexError>>(
    section: &mut Section<'_>,
    key: &'static str,
    faults: &mut Faults<'_>,
) -> Option<T> {
    required(section, key).and_then(|value| digest(&value, faults))
}

/// Reads the string at a key of an entry.
fn text_at(section: &mut Section<'_>, key: &'static str, faults: &mut Faults<'_>) -> Option<String> {
    let value = required(section, key)?;
    value.line(faults).map(ToOwned::to_owned)
}

/// Reads the number at a key of an entry.
fn number_at(section: &mut Section<'_>, key: &'static str, faults: &mut Faults<'_>) -> Option<u64> {
    let value = required(section, key)?;
    value.number(0, u64::MAX, faults)
}

fn seconds(value: &Value<'_>, faults: &mut Faults<'_>) -> Option<u64> {
    let DeValue::Datetime(datetime) = value.node else {
        return value.wrong_type(Shape::Datetime, faults);
    };
    let seconds = date::read(datetime);
    seconds.or_else(|| value.fault(Fault::InvalidDate { key: value.key.to_owned() }, faults))
}

fn subject(value: &Value<'_>, faults: &mut Faults<'_>) -> Option<Subject> {
    let text = value.any_text(faults)?;
    match text.parse() {
        Ok(RecipeName::Image(name)) => Some(Subject::Image(name)),
        Ok(RecipeName::Tools) => Some(Subject::Tools),
        Ok(RecipeName::Package(_)) | Err(_) => {
            let (entry, form) = (text.to_owned(), "image NAME");
            value.fault(Fault::InvalidEntry { entry, section: "subject", form }, faults)
        }
    }
}

fn recipe_name(value: &Value<'_>, faults: &mut Faults<'_>) -> Option<RecipeName> {
    let name = value.key.parse().ok();
    name.or_else(|| invalid_entry(value, "[recipes]", "package NAME", faults))
}

fn suite(value: &Value<'_>, faults: &mut Faults<'_>) -> Option<(String, Suite)> {
    let mut section = Section::open("[suites]", value, faults)?;
    let date = required(&mut section, "date");
    let date = date.and_then(|value| seconds(&value, faults));
    let in_release = digest_at(&mut section, "in-release", faults);
    let signed_by = required(&mut section, "signed-by").and_then(|value| {
        value.list(Items::Any, faults, |item, faults| item.line(faults).map(ToOwned::to_owned))
    });
    section.finish(faults);
    Some((value.key.to_owned(), Suite { date: date?, in_release: in_release?, signed_by: signed_by? }))
}

fn debs(root: &mut Section<'_>, faults: &mut Faults<'_>) -> Vec<Spanned<(DebKey, Deb)>> {
    let Some(mut section) = root.section("debian", faults) else { return Vec::new() };
    let list = required(&mut section, "debs");
    let list = list.and_then(|value| value.list(Items::Any, faults, deb)).unwrap_or_default();
    section.finish(faults);
    let show = |(key, _): &(DebKey, Deb)| format!("{} {} {}", key.name, key.version, key.architecture);
    check::no_item_twice("debs", &list, show, faults);
    list
}

fn deb(value: &Value<'_>, faults: &mut Faults<'_>) -> Option<Spanned<(DebKey, Deb)>> {
    let mut section = Section::open("[debian]", value, faults)?;
    let name = text_at(&mut section, "name", faults);
    let version = text_at(&mut section, "version", faults);
    let architecture = text_at(&mut section, "arch", faults);
    let source = required(&mut section, "source").and_then(|value| deb_source(&value, faults));
    let suite = text_at(&mut section, "suite", faults);
    let size = number_at(&mut section, "size", faults);
    let sha256 = digest_at(&mut section, "sha256", faults);
    let filename = text_at(&mut section, "path", faults);
    let tree = section.value("tree").map(|value| digest(&value, faults));
    section.finish(faults);
    let key = DebKey { name: name?, version: version?, architecture: architecture? };
    let tree = tree.map_or(Some(None), |tree| tree.map(Some))?;
    let deb = Deb { source: source?, suite: suite?, filename: filename?, size: size?, sha256: sha256?, tree };
    Some(value.spanned((key, deb)))
}

fn deb_source(value: &Value<'_>, faults: &mut Faults<'_>) -> Option<DebSource> {
    let text = value.line(faults)?;
    let source = text.split_once(' ').filter(|(name, version)| !name.is_empty() && !version.contains(' '));
    match source {
        Some((name, version)) => Some(DebSource { name: name.to_owned(), version: version.to_owned() }),
        None => invalid_entry(value, "[debian]", "name version", faults),
    }
}

type Closures = BTreeMap<(Name, Name), Vec<Spanned<DebKey>>>;

/// One entry of `[closures]`.
type Closure = ((Name, Name), Vec<Spanned<DebKey>>);

fn closure(value: &Value<'_>, faults: &mut Faults<'_>) -> Option<Closure> {
    let names = value.key.split_once('/').and_then(|(a, b)| Some((a.parse().ok()?, b.parse().ok()?)));
    let debs = value.list(Items::Any, faults, |item, faults| {
        let text = item.line(faults)?;
        let words: Vec<_> = text.split(' ').collect();
        if let [name, version, architecture] = words.as_slice() {
            let [name, version, architecture] = [name, version, architecture].map(|word| (*word).to_owned());
            return Some(item.spanned(DebKey { name, version, architecture }));
        }
        let (entry, form) = (text.to_owned(), "name version architecture");
        item.fault(Fault::InvalidEntry { entry, section: "[closures]", form }, faults)
    });
    let names = names.or_else(|| invalid_entry(value, "[closures]", "package/source", faults));
    Some((names?, debs?))
}

fn one_crate(value: &Value<'_>, faults: &mut Faults<'_>) -> Option<((String, String), Crate)> {
    let mut section = Section::open("[crates]", value, faults)?;
    let sha256 = digest_at(&mut section, "sha256", faults);
    let tree = section.value("tree").map(|value| digest(&value, faults));
    section.finish(faults);
    let tree = tree.map_or(Some(None), |tree| tree.map(Some))?;
    let Some((name, version)) = value.key.split_once(' ') else {
        return invalid_entry(value, "[crates]", "name version", faults);
    };
    Some(((name.to_owned(), version.to_owned()), Crate { sha256: sha256?, tree }))
}

fn local(value: &Value<'_>, faults: &mut Faults<'_>) -> Option<((RecipeName, String), kit_hash::TreeId)> {
    let tree = digest(value, faults);
    let place =
        value.key.split_once('/').and_then(|(recipe, place)| Some((recipe.parse().ok()?, place.to_owned())));
    let place = place.or_else(|| invalid_entry(value, "[locals]", "package NAME/SOURCE", faults));
    Some((place?, tree?))
}

fn step(value: &Value<'_>, faults: &mut Faults<'_>) -> Option<(String, Step)> {
    let mut section = Section::open("[steps]", value, faults)?;
    let derivation = digest_at(&mut section, "derivation", faults);
    let tree = digest_at(&mut section, "tree", faults);
    section.finish(faults);
    Some((value.key.to_owned(), Step { derivation: derivation?, tree: tree? }))
}

fn container(value: &Value<'_>, faults: &mut Faults<'_>) -> Option<(Name, ContainerPin)> {
    let mut section = Section::open("[containers]", value, faults)?;
    let platform = text_at(&mut section, "platform", faults);
    let base = match section.value("image") {
        Some(value) => check::reference(&value, faults).map(|reference| Base::Image(reference.value)),
        None => required(&mut section, "package")
            .and_then(|value| check::name(&value, faults))
            .map(|name| Base::Package(name.value)),
    };
    let recipe = digest_at(&mut section, "recipe", faults);
    let mut oci_at = |key| {
        let value = required(&mut section, key);
        value.and_then(|value| oci_digest(&value, faults))
    };
    let (manifest, config) = (oci_at("manifest"), oci_at("config"));
    let layers = required(&mut section, "layers");
    let layers = layers.and_then(|value| value.list(Items::Any, faults, oci_digest));
    section.finish(faults);
    let name = value.key.parse().ok();
    let name: Option<Name> = name.or_else(|| invalid_entry(value, "[containers]", "NAME", faults));
    let (manifest, config) = (manifest?, config?);
    let pin =
        ContainerPin { platform: platform?, base: base?, recipe: recipe?, manifest, config, layers: layers? };
    Some((name?, pin))
}

fn output(value: &Value<'_>, faults: &mut Faults<'_>) -> Option<(String, Output)> {
    let mut section = Section::open("[outputs]", value, faults)?;
    let words: Vec<_> = Format::all().map(|format| (format.word(), format)).collect();
    let format = required(&mut section, "format");
    let format = format.and_then(|value| value.word(&words, faults));
    let size = number_at(&mut section, "size", faults);
    let sha256 = digest_at(&mut section, "sha256", faults);
    let blake3 = digest_at(&mut section, "blake3", faults);
    section.finish(faults);
    Some((value.key.to_owned(), Output { format: format?, size: size?, sha256: sha256?, blake3: blake3? }))
}

/// Notes packages of closures, and suites of packages, that are used but not locked.
fn dangling(
    debs: &[Spanned<(DebKey, Deb)>],
    closures: &Closures,
    suites: &BTreeMap<String, Suite>,
    faults: &mut Faults<'_>,
) {
    for deb in debs.iter().filter(|deb| !suites.contains_key(&deb.1.suite)) {
        faults.add(deb.span.clone(), Fault::Dangling { name: deb.1.suite.clone(), section: "[suites]" });
    }
    let locked: BTreeSet<_> = debs.iter().map(|deb| &deb.0).collect();
    for key in closures.values().flatten().filter(|key| !locked.contains(&key.value)) {
        let name = format!("{} {} {}", key.name, key.version, key.architecture);
        faults.add(key.span.clone(), Fault::Dangling { name, section: "[debian]" });
    }
}
