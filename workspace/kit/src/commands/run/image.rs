//! Which format of an image is booted, and what of its files.

use std::path::Path;

use kit_plan::evaluate::evaluate;
use kit_recipe::image::Format;
use kit_recipe::lockfile::Subject;

use super::RunError;
use super::told::{self, Starts};
use crate::Failure;
use crate::context::Context;
use crate::qemu::Boot;
use crate::qemu::boot::Writes;

/// Returns the format that is asked for, or the first of the image that boots.
pub(super) fn choose(asked: Option<Format>, subject: &Subject, context: &Context) -> Result<Format, Failure> {
    match asked {
        Some(format) if format.boot_suffix().is_some() => return Ok(format),
        Some(format) => return Err(RunError::NotBootable { format }.into()),
        None => {}
    }
    let Subject::Image(name) = subject else { unreachable!("because only images are booted") };
    let loaded = kit_build::load::load(subject, &context.project()?.files())?;
    let evaluated = evaluate(&loaded.recipes, name).map_err(Failure::Recipes)?;
    let mut formats = evaluated.image.formats.iter().map(|format| format.value);
    // What a kernel boots from can be had whatever the recipe says, as long as it has one.
    Ok(formats.find(|format| format.boot_suffix().is_some()).unwrap_or(Format::KernelInitrd))
}

/// Returns how an output is booted, and what can start it.
pub(super) fn boot(
    format: Format,
    name: &str,
    files: &Path,
    scratch: &Path,
) -> Result<(Boot, Starts), Failure> {
    let suffix = format.boot_suffix().ok_or(RunError::NotBootable { format })?;
    let (boot, told) = told::look(&files.join(format!("{name}{suffix}")), Writes::Forgotten, scratch)?;
    let starts = format
        .firmware()
        .map_or(told, |firmware| Starts { bios: firmware.has_bios(), uefi: firmware.has_efi() });
    Ok((boot, starts))
}
