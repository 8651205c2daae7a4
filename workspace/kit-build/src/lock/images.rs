//! Pins of images of registries, and what there is to say about new ones.

use kit_plan::registry::{WantedImage, oci_architecture};
use kit_recipe::ImageReference;
use kit_recipe::lockfile::{ImagePin, Lockfile};

use super::upstream::watched;
use super::{Previous, Update};
use crate::load::Loaded;
use crate::network::Resolver;
use crate::{BuildError, Events};

/// Pins all images. A pin holds as long as the reference is the same.
pub(super) fn pin_images(
    loaded: &Loaded,
    before: &Previous,
    update: &Update,
    resolver: &dyn Resolver,
    events: &dyn Events,
    lock: &mut Lockfile,
) -> Result<(), BuildError> {
    for wanted in &loaded.requirements.images {
        let reference = &wanted.reference;
        let known = before.lock().and_then(|lock| lock.images.get(reference));
        let holds = matches!(before, Previous::Sound(_)) && !update.gives_up_image(reference);
        let pin = match known.filter(|_| holds) {
            Some(pin) => pin.clone(),
            None => with_trees(resolve(wanted, &lock.architecture, resolver, events)?, known),
        };
        lock.images.insert(reference.clone(), pin);
    }
    Ok(())
}

/// Asks what a reference is now.
fn resolve(
    wanted: &WantedImage,
    architecture: &str,
    resolver: &dyn Resolver,
    events: &dyn Events,
) -> Result<ImagePin, BuildError> {
    let reference = &wanted.reference;
    let pinned = watched(events, &reference.to_string(), |progress| {
        resolver.image(reference, oci_architecture(architecture), progress)
    });
    pinned.map_err(|error| match error {
        BuildError::Image { error, .. } => {
            BuildError::Image { error, place: Some(Box::new(wanted.place.clone())) }
        }
        other => other,
    })
}

/// Keeps what is known of layers.
fn with_trees(mut pin: ImagePin, known: Option<&ImagePin>) -> ImagePin {
    for layer in &mut pin.layers {
        let mut before = known.into_iter().flat_map(|known| &known.layers);
        layer.tree = before.find(|before| before.sha256 == layer.sha256).and_then(|before| before.tree);
    }
    pin
}

/// An image that is another one than before.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MovedImage {
    /// Its reference.
    pub reference: ImageReference,
    /// What it was.
    pub before: ImagePin,
    /// What it is.
    pub after: ImagePin,
}

/// Returns the images that moved.
pub fn moved(previous: Option<&Lockfile>, lock: &Lockfile) -> Vec<MovedImage> {
    let moved = lock.images.iter().filter_map(|(reference, after)| {
        let before = previous?.images.get(reference)?;
        let is_same = before.manifest == after.manifest && before.index == after.index;
        (!is_same).then(|| MovedImage {
            reference: reference.clone(),
            before: before.clone(),
            after: after.clone(),
        })
    });
    moved.collect()
}
