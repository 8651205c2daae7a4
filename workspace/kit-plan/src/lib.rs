//! Lowers recipes and a lockfile to the hashed graph; explains why two plans differ.
//!
//! | module | what |
//! |---|---|
//! | [`architecture`] | which processors an image is for, and whether its packages are |
//! | [`derivation`] | [`Derivation`]: one closed, hashed step; its five [`Action`]s |
//! | [`recipes`] | [`RecipeSet`]: every recipe that a subject reaches, or why not |
//! | [`registry`] | images of registries |
//! | [`requirements`] | what must be resolved and hashed before a plan can be made |
//! | [`evaluate`] | an image with what it extends merged in |
//! | [`planner`] | [`plan`]: from recipes, lock and local trees to a [`Plan`] |
//! | [`package`], [`debian_source`], [`image`] | how each kind of recipe is lowered |
//! | [`outline`] | what went into the steps of a plan, and why those of another one differ |
//! | [`upstream`] | sources as their authors publish them |
//! | [`runtime`] | the OCI runtime configuration of a container |
//! | [`seccomp`] | the default system-call filter |
//! | `shares` | what a root was put together from, which gives the layers of images |
//! | [`stale`] | what changed between a lockfile and the recipes |
//! | [`mod@written`] | where in the recipes a step is written |
#![forbid(unsafe_code)]

pub mod architecture;
mod bundles;
pub mod debian_source;
pub mod derivation;
pub mod error;
pub mod evaluate;
pub mod image;
pub mod outline;
pub mod package;
pub mod planner;
pub mod recipes;
pub mod registry;
pub mod requirements;
pub mod runtime;
pub mod seccomp;
mod shares;
pub mod stale;
pub mod upstream;
mod waits;
pub mod written;

pub use derivation::{Action, Derivation, Input};
pub use error::PlanError;
pub use outline::{Outline, Reason};
pub use planner::{Plan, PlanInputs, plan};
pub use recipes::{RecipeFiles, RecipeSet};
pub use requirements::{Requirements, requirements};
pub use stale::{Change, stale};
pub use written::written;
