//! Volumes that can be written: a layer in memory over what the image has, at `/run/kit/volumes/NAME`.

use crate::error::{During, Failure};
use crate::files;
use crate::sys::{self, Errno};

/// The list: one name on a line.
const LIST: &str = "/etc/kit/volumes";

/// Mounts all volumes of the list, if there is one.
pub(crate) fn mount_all() -> Result<(), Failure> {
    if !files::is_other(LIST) {
        return Ok(());
    }
    let text = files::read_text(LIST)?;
    for name in text.lines().filter(|name| !name.is_empty()) {
        mount(name).during("mount volume", name)?;
    }
    Ok(())
}

fn mount(name: &str) -> Result<(), Errno> {
    let (from, layer) = (format!("/containers/volumes/{name}"), format!("/run/kit/layers/{name}"));
    let to = format!("/run/kit/volumes/{name}");
    for directory in ["changes", "work"] {
        files::make_directory(&format!("{layer}/{directory}"))?;
    }
    files::make_directory(&to)?;
    files::copy_owner_and_mode(&from, &format!("{layer}/changes"))?;
    let data = format!("lowerdir={from},upperdir={layer}/changes,workdir={layer}/work");
    let (to, data) = (sys::c_string(to)?, sys::c_string(data)?);
    sys::mount::mount(c"overlay", &to, c"overlay", libc::MS_NODEV | libc::MS_NOSUID, &data)
}
