//! Reads what people write (recipes, lockfiles, project settings) into checked types, with every diagnostic.
//!
//! | module | what |
//! |---|---|
//! | [`architecture`] | [`Architecture`]: which processors programs are for |
//! | [`package`] | [`Package`]: a recipe that makes a tree of files |
//! | [`kind`] | [`Kind`]: what a kind of build expands to |
//! | [`image`] | [`Image`]: kernel, init and containers |
//! | [`tools`] | [`Tools`]: the packages that kit itself runs |
//! | [`module_name`] | [`ModuleName`]: kernel modules |
//! | [`upstream`], [`git`] | sources as their authors publish them |
//! | [`container`] | [`Container`]: what a service may do and see |
//! | [`reference`] | [`Reference`]: which image of which registry |
//! | [`image_reference`] | [`ImageReference`]: the same, or one that lies on this machine |
//! | [`linuxkit`] | recipes made of LinuxKit's YAML |
//! | [`lockfile`] | [`Lockfile`]: pins and results, read and written |
//! | [`settings`] | [`Settings`]: `kit.toml` |
//! | [`policy`] | [`Policy`]: `policy.toml` |
//! | [`recipe`] | [`Recipe`], its parser and its identity |
//! | [`problem`] | [`Problems`]: everything that is wrong with a file, in words for people |
//! | `parse` | the decoder that all of them are read by |
//! | `written` | values as they stand in a file |
#![forbid(unsafe_code)]

pub mod architecture;
pub mod container;
pub mod git;
pub mod image;
pub mod image_reference;
pub mod kind;
pub mod linuxkit;
pub mod lockfile;
pub mod module_name;
pub mod name;
pub mod package;
mod parse;
pub mod policy;
pub mod problem;
pub mod recipe;
pub mod reference;
pub mod settings;
pub mod spanned;
pub mod tools;
pub mod upstream;
mod written;

pub use architecture::Architecture;
pub use container::Container;
pub use image::Image;
pub use image_reference::ImageReference;
pub use kind::Kind;
pub use lockfile::Lockfile;
pub use module_name::ModuleName;
pub use name::Name;
pub use package::Package;
pub use policy::Policy;
pub use problem::Problems;
pub use recipe::Recipe;
pub use reference::Reference;
pub use settings::Settings;
pub use spanned::Spanned;
pub use tools::Tools;
