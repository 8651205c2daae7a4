//! Who the container's program runs as, and what it may do.

use super::Groups;
use crate::config::Config;
use crate::error::{During, Failure};
use crate::sys::{Errno, cred, process};

/// Changes user and groups and keeps no more than the configured capabilities.
pub(super) fn drop_to(config: &Config, groups: Groups) -> Result<(), Failure> {
    let (user, capabilities) = (&config.process.user, &config.process.capabilities);
    for capability in 0..64 {
        if capabilities.bounding & 1 << capability == 0 {
            match cred::drop_from_bounding(capability) {
                Err(Errno(libc::EINVAL)) => break, // the kernel has no more
                dropped => dropped.during("drop capability", capability.to_string())?,
            }
        }
    }
    cred::keep_capabilities().during("keep", "capabilities")?;
    if groups == Groups::Free {
        cred::set_groups(&user.groups).during("set", "supplementary groups")?;
    } else if !user.groups.is_empty() {
        return Err(Failure::new("set", "supplementary groups", "nobody may set them in its user namespace"));
    }
    cred::set_group(user.gid).during("become", format!("group {}", user.gid))?;
    cred::set_user(user.uid).during("become", format!("user {}", user.uid))?;
    cred::clear_ambient().during("clear", "ambient capabilities")?;
    cred::set_capabilities(capabilities.effective, capabilities.permitted, capabilities.inheritable)
        .during("set", "capabilities")?;
    for capability in 0..64 {
        if capabilities.ambient & 1 << capability != 0 {
            cred::raise_ambient(capability).during("raise ambient capability", capability.to_string())?;
        }
    }
    process::set_umask(user.umask);
    Ok(())
}
