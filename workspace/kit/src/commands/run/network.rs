//! `--netboot`: the files of an image, given away to the machine that boots them.

use std::collections::BTreeMap;
use std::net::Ipv4Addr;
use std::path::Path;

use kit_source::serve::Server;

use super::RunError;
use crate::Failure;
use crate::netboot::NetbootSite;
use crate::project::open_dir;
use crate::qemu::Boot;

/// What the emulator calls the machine that it runs on.
const HERE: &str = "10.0.2.2";

/// Calls `work` with what boots a kernel over the network, while the directory that it is in is given away.
pub(super) fn serving<T>(kernel: &Path, work: impl FnOnce(Boot) -> Result<T, Failure>) -> Result<T, Failure> {
    let name = kernel.file_name().and_then(|name| match name.to_str()? {
        "kernel" => Some("boot"),
        name => name.strip_suffix("-kernel"),
    });
    let (Some(directory), Some(name)) = (kernel.parent(), name) else {
        let name = kernel.display().to_string();
        return Err(RunError::NotNetbooted { name }.into());
    };
    let site = NetbootSite::new(open_dir(directory)?, BTreeMap::new());
    let address = (Ipv4Addr::LOCALHOST, 0).into();
    let server = Server::bind(address).map_err(|source| Failure::Listen { address, source })?;
    let boots = Boot::Network { address: format!("http://{HERE}:{}/{name}.ipxe", server.address().port()) };
    std::thread::scope(|scope| {
        scope.spawn(|| server.serve(&site, &|_| ()));
        let done = work(boots);
        server.stop();
        done
    })
}
