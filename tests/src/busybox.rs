//! Debian's own busybox: a shell and its tools in one small file, for projects that shouldn't take long.
//!
//! The repository builds its own from source, so no lockfile of it has this one.

use kit_hash::Sha256;
use kit_recipe::lockfile::{Deb, DebKey, DebSource};
use kit_recipe::recipe::RecipeName;
use kit_recipe::{Lockfile, Name, Recipe};

/// The name of the binary package, with `/usr/bin/busybox`.
pub const PACKAGE: &str = "busybox-static";

/// Returns its pin, of a suite that never changes any more.
pub fn pin() -> (DebKey, Deb) {
    let key = DebKey {
        name: PACKAGE.to_owned(),
        version: "1:1.35.0-4+deb12u1+b1".to_owned(),
        architecture: "amd64".to_owned(),
    };
    let deb = Deb {
        source: DebSource { name: "busybox".to_owned(), version: "1:1.35.0-4+deb12u1".to_owned() },
        suite: "bookworm".to_owned(),
        filename: "pool/main/b/busybox/busybox-static_1.35.0-4+deb12u1+b1_amd64.deb".to_owned(),
        size: 928_188,
        sha256: "3d3fdbe91d4660c873e14b092c213fe81c1da6362daa236eb25d0171eb108744"
            .parse::<Sha256>()
            .expect("because it is a digest"),
        tree: None,
    };
    (key, deb)
}

/// Pins it as the source `debian` of a package whose recipe is `text`.
pub fn lock_for(lock: &mut Lockfile, package: &str, text: &str) {
    let name: Name = package.parse().expect("because it is a name");
    let recipe = RecipeName::Package(name.clone());
    let id = Recipe::parse(&recipe, text).expect("because it has no problems").id();
    lock.recipes.insert(recipe, id);
    let (key, deb) = pin();
    lock.closures.insert((name, "debian".parse().expect("because it is a name")), vec![key.clone()]);
    lock.debs.insert(key, deb);
}
