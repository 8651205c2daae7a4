//! `kit serve`: gives an image's files, or a directory's, away over HTTP.

use std::collections::BTreeMap;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use kit_recipe::image::Format;
use kit_recipe::lockfile::Subject;
use kit_source::serve::{Answered, Server};
use kit_tree::Entry;
use serde_json::json;

use crate::Failure;
use crate::changes::{Changes, Locking, subjects};
use crate::context::Context;
use crate::netboot::NetbootSite;
use crate::output::Output;
use crate::project::{canonical, open_dir};

const EXAMPLES: &str = "\
Examples:
  kit serve web --listen 192.0.2.1   the image, to the machines of a network: iPXE boots http://192.0.2.1:8080/web.ipxe
  kit serve out --port 8000          a directory, to this machine only

Beside each NAME-kernel with its initrd and command line there is a script NAME.ipxe, which boots them.
Files are given whole or by ranges (`GET`, `HEAD`). Nothing is encrypted, and whoever reaches the port gets all of them.";

/// Serve an image's files, or a directory, over HTTP: to machines that boot over the network
#[derive(Debug, clap::Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct Args {
    /// Serve this image, which is built as far as it isn't, or this directory [default: the only image of the project]
    #[arg(value_name = "IMAGE|DIR")]
    image: Option<String>,
    /// Serve the image in this format
    #[arg(long, value_name = "FORMAT", value_parser = super::build::parse_format, default_value = "kernel+initrd")]
    format: Format,
    /// Listen on this port; 0 is any that is free
    #[arg(long, value_name = "N", default_value_t = 8080)]
    port: u16,
    /// Listen on this address of the machine; `0.0.0.0` is all of them
    #[arg(long, value_name = "ADDRESS", default_value_t = IpAddr::V4(Ipv4Addr::LOCALHOST))]
    listen: IpAddr,
}

pub(crate) fn run(args: &Args, context: &Context) -> Result<ExitCode, Failure> {
    let place = args.image.as_deref().map(Path::new).filter(|path| path.is_dir());
    // What an image is served from stays where it is as long as the store is open.
    let store = if place.is_none() { Some(context.store()?) } else { None };
    let site = match (place, &store) {
        (None, Some(store)) => {
            let named: Vec<_> = args.image.iter().cloned().collect();
            let subject = subjects(&named, &Changes::default(), Locking::First, context)?.remove(0);
            image(context, store, &subject, args.format)?
        }
        (place, _) => {
            let path = place.map_or_else(PathBuf::new, Path::to_owned);
            NetbootSite::new(open_dir(&canonical(&path)?)?, BTreeMap::new())
        }
    };
    let address = SocketAddr::new(args.listen, args.port);
    let listen = |source| Failure::Listen { address, source };
    let server = Server::bind(address).map_err(listen)?;
    let base = format!("http://{}", server.address());
    let addresses: Vec<_> = match site.scripts().map_err(listen)? {
        scripts if scripts.is_empty() => vec![format!("{base}/")],
        scripts => scripts.iter().map(|script| format!("{base}/{script}")).collect(),
    };
    context.output.data(&(addresses.join("\n") + "\n")).map_err(Failure::Output)?;
    context.output.result(&json!({ "addresses": addresses })).map_err(Failure::Output)?;
    context.output.say("Ctrl-C ends it.\n");
    let output = &context.output;
    server.serve(&site, &|answered| tell(answered, output));
    Ok(ExitCode::SUCCESS)
}

fn tell(answered: &Answered, output: &Output) {
    let Answered { client, target, status, bytes } = answered;
    let target = crate::escape::text(target).replace(['\n', '\t'], " ");
    output.say(&format!("{} {status} {bytes} {target}\n", client.ip()));
}

/// Builds an image and returns its files, each with its digest.
fn image(
    context: &Context,
    store: &kit_store::Store,
    subject: &Subject,
    format: Format,
) -> Result<NetbootSite, Failure> {
    let output = super::run::output(context, store, subject, format)?;
    let tree = store.tree(&output)?;
    let tags = tree.entries().filter_map(|(path, entry)| match entry {
        Entry::File { blob, .. } => {
            Some((String::from_utf8_lossy(path.as_bytes()).into_owned(), blob.to_string()))
        }
        _ => None,
    });
    let tags = tags.collect();
    Ok(NetbootSite::new(open_dir(&store.materialised(&output)?.path)?, tags))
}
