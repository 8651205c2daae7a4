//! Input that is wrong, from recipes to the bytes of the store: what is said about it, and that nothing half-done stays.
//!
//! Whatever can go wrong in one crate alone is tested there, in all its forms; here it is seen through the program.
#![expect(
    clippy::disallowed_methods,
    reason = "tests look into projects and stores behind the program's back"
)]
#![expect(clippy::unwrap_used, reason = "a test stops where something is wrong")]

mod archives;
mod bench;
mod containers;
mod damage;
mod leftovers;
mod locks;
mod packages;
mod recipes;
mod scripts;
mod upstream;
