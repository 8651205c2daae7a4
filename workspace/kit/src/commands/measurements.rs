//! `kit measurements`: what a machine that boots an image is expected to measure.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::process::ExitCode;

use kit_audit::measurements::{Digests, Measured, Measurements};
use kit_format::measure::{SecureBoot, predict_image};
use kit_recipe::lockfile::{Output, Subject};
use kit_store::Store;
use kit_tree::Blobs as _;
use serde_json::json;

use crate::Failure;
use crate::context::Context;
use crate::evidence::{Built, Wanted, write_evidence};
use crate::workbench::parse_name;

const EXAMPLES: &str = "\
Examples:
  kit measurements minimal                        digests of kernel, initrd and command line
  kit measurements minimal --to minimal.measurements.json";

/// Write what a machine that boots an image is expected to measure
///
/// Digests of kernel, initrd and command line; of a unified kernel image also what is in the registers 4, 9, 11 and 12 of a TPM once it runs.
#[derive(Debug, clap::Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct Args {
    /// Describe this image
    image: String,
    /// Write it to this file [default: standard output]
    #[arg(long, value_name = "FILE")]
    to: Option<PathBuf>,
}

pub(crate) fn run(args: &Args, context: &Context) -> Result<ExitCode, Failure> {
    let subject = Subject::Image(parse_name(&args.image, "an image")?);
    let store = context.store()?;
    let built = Built::prepare(context, &store, &subject, Wanted::Outputs)?;
    let measured = |end: &str| -> Result<Option<Measured>, Failure> {
        let name = format!("{}{end}", args.image);
        let output = built.piece.lock.outputs.get(&name);
        output.map(|output| measure(&store, name, output)).transpose()
    };
    let uki = built.piece.lock.outputs.get(&format!("{}.efi", args.image));
    let measurements = Measurements {
        image: args.image.clone(),
        pin: built.piece.lock.pin_id(),
        kernel: measured("-kernel")?,
        initrd: measured("-initrd.img")?,
        cmdline: measured("-cmdline")?,
        uki: measured(".efi")?,
        pcrs: registers(&store, uki, SecureBoot::Off)?,
        secure_boot_pcrs: registers(&store, uki, SecureBoot::On)?,
    };
    if measurements.kernel.is_none() && measurements.uki.is_none() {
        return Err(Failure::NotMeasured { image: args.image.clone() });
    }
    let text = measurements
        .to_text()
        .map_err(|source| Failure::Evidence { what: "measurements", source: Box::new(source) })?;
    write_evidence(context, args.to.as_deref(), &text, json!({ "image": args.image }))
}

fn measure(store: &Store, name: String, output: &Output) -> Result<Measured, Failure> {
    let (sha384, sha512) = kit_build::facts::long_digests(store, &output.blake3)?;
    let digests = Digests { sha256: *output.sha256.as_bytes(), sha384, sha512 };
    Ok(Measured { name, size: output.size, digests })
}

/// Foretells the registers of a TPM; none where there is no unified kernel image.
fn registers(
    store: &Store,
    uki: Option<&Output>,
    secure_boot: SecureBoot,
) -> Result<BTreeMap<u8, Digests>, Failure> {
    let Some(uki) = uki else { return Ok(BTreeMap::new()) };
    let registers = predict_image(&|| store.open(&uki.blake3), uki.size, secure_boot)
        .map_err(|source| Failure::Evidence { what: "measurements", source: Box::new(source) })?;
    Ok(registers.unwrap_or_default())
}
