//! A shell on the console, for somebody who looks after a machine that could not boot.

use std::convert::Infallible;
use std::time::Duration;

use crate::console::Console;
use crate::error::{During, Failure};
use crate::files;
use crate::sys::process::{self, Side};
use crate::sys::{self, signal};

/// Runs a shell, of the machine's root or of the first container that has one, and waits for its end.
pub(crate) fn run(console: &mut Console) {
    let Some(root) = find_shell() else {
        return console.say("there is no shell for a rescue: neither the root nor a container has /bin/sh");
    };
    console.say(format_args!("rescue: a shell in {root}; its end ends the machine"));
    console.drain(Duration::from_secs(2));
    match process::clone(0, None) {
        Ok(Side::Child) => {
            let Err(failure) = become_shell(&root);
            crate::console::shout(failure);
            process::exit_now(127)
        }
        Ok(Side::Parent(pid)) => {
            while !matches!(process::reap(), Some((ended, _)) if ended == pid) {
                let _ = sys::io::poll(&[], Some(Duration::from_millis(100)));
            }
        }
        Err(errno) => console.say(format_args!("cannot start a shell: {errno}")),
    }
}

fn find_shell() -> Option<String> {
    let has_shell = |root: &String| {
        files::is_other(&format!("{root}/bin/sh")) || files::is_link(&format!("{root}/bin/sh"))
    };
    let containers = ["onboot", "services", "onshutdown"].into_iter().flat_map(|class| {
        let folder = format!("/containers/{class}");
        let names = files::list(&folder).unwrap_or_default();
        names.into_iter().map(move |name| format!("{folder}/{name}/rootfs"))
    });
    std::iter::once(String::new())
        .chain(containers)
        .find(has_shell)
        .map(|root| if root.is_empty() { "/".to_owned() } else { root })
}

fn become_shell(root: &str) -> Result<Infallible, Failure> {
    signal::reset();
    process::new_session().during("start", "a session")?;
    // The first terminal that a session's leader opens is its own.
    let console = sys::io::open(c"/dev/console", libc::O_RDWR).during("open", "/dev/console")?;
    for stream in 0..3 {
        sys::io::duplicate_to(std::os::fd::AsFd::as_fd(&console), stream)
            .during("set up", "standard streams")?;
    }
    let root_c = sys::c_string(root).during("change to root", root)?;
    sys::mount::change_root(&root_c).during("change to root", root)?;
    sys::mount::change_directory_to(c"/").during("change to root", root)?;
    let path = c"PATH=/usr/sbin:/usr/bin:/sbin:/bin".to_owned();
    let Err(errno) = process::execute(c"/bin/sh", &[c"-sh".to_owned()], &[path]);
    Err(errno).during("execute", "/bin/sh")
}
