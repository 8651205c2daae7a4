//! How the machine ends.

use std::time::Duration;

use crate::console::Console;
use crate::files;
use crate::sys::{self, system};

/// A way to end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Ending {
    /// Power off.
    PowerOff,
    /// Start again.
    Reboot,
    /// Stop, and leave the power on.
    Halt,
}

impl Ending {
    /// The way that a signal to PID 1 asks for, as in other inits.
    pub(crate) fn from_signal(signal: i32) -> Option<Self> {
        match signal {
            libc::SIGTERM | libc::SIGUSR2 => Some(Self::PowerOff),
            libc::SIGINT => Some(Self::Reboot),
            libc::SIGUSR1 => Some(Self::Halt),
            _ => None,
        }
    }

    fn describe(self) -> &'static str {
        match self {
            Self::PowerOff => "powering off",
            Self::Reboot => "rebooting",
            Self::Halt => "halting",
        }
    }

    fn command(self) -> i32 {
        match self {
            Self::PowerOff => libc::RB_POWER_OFF,
            Self::Reboot => libc::RB_AUTOBOOT,
            Self::Halt => libc::RB_HALT_SYSTEM,
        }
    }
}

/// Ends the machine: writes what is not on disk, unmounts, stops.
pub(crate) fn end(console: &mut Console, ending: Ending) -> ! {
    system::sync();
    unmount_all();
    console.say(ending.describe());
    console.drain(Duration::from_secs(2));
    end_now(ending)
}

/// Ends the machine without a further word.
pub(crate) fn end_now(ending: Ending) -> ! {
    system::sync();
    loop {
        let _ = system::reboot(ending.command());
        // It did not work, or halting came back: PID 1 must not exit.
        let _ = sys::io::poll(&[], Some(Duration::from_secs(60)));
    }
}

/// Unmounts all that can be, the last mounted first; what is busy stays, and the root becomes read-only where it isn't.
fn unmount_all() {
    let Ok(mounts) = files::read_text("/proc/self/mounts") else { return };
    for point in mounts.lines().rev().filter_map(|line| line.split(' ').nth(1)) {
        // Our console is in /dev, and names with escapes would need decoding: kit-init makes none.
        if matches!(point, "/" | "/dev" | "/proc") || point.contains('\\') {
            continue;
        }
        if let Ok(point) = sys::c_string(point) {
            let _ = sys::mount::unmount(&point, 0);
        }
    }
    if sys::mount::root_is_writable() {
        let _ = sys::mount::mount(c"", c"/", c"", libc::MS_REMOUNT | libc::MS_RDONLY, c"");
    }
}
