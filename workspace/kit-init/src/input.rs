//! The power button, which is an input device with a power key.

use std::collections::BTreeSet;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};

use crate::files;
use crate::sys::io::Interest;
use crate::sys::{self, device};

/// All power buttons of the machine, those that appear later too.
#[derive(Debug)]
pub(crate) struct PowerButton {
    /// Reports changes in `/dev/input`.
    watch: OwnedFd,
    /// Devices with a power key.
    devices: Vec<OwnedFd>,
    /// Names of the devices that have been looked at.
    seen: BTreeSet<String>,
}

impl PowerButton {
    /// Looks for power buttons. Nothing if the machine has no `/dev/input`.
    pub(crate) fn find() -> Option<Self> {
        let watch = device::watch_directory(c"/dev/input").ok()?;
        let mut button = Self { watch, devices: Vec::new(), seen: BTreeSet::new() };
        button.look();
        Some(button)
    }

    fn look(&mut self) {
        for name in files::list("/dev/input").unwrap_or_default() {
            if !name.starts_with("event") || self.seen.contains(&name) {
                continue;
            }
            let flags = libc::O_RDONLY | libc::O_NONBLOCK;
            let path = sys::c_string(format!("/dev/input/{name}"));
            if let Ok(file) = path.and_then(|path| sys::io::open(&path, flags)) {
                if device::has_power_key(file.as_fd()) {
                    self.devices.push(file);
                }
                self.seen.insert(name);
            }
        }
    }

    /// What to wait for.
    pub(crate) fn waits_for(&self) -> impl Iterator<Item = (BorrowedFd<'_>, Interest)> {
        self.devices.iter().chain([&self.watch]).map(|fd| (fd.as_fd(), Interest::Read))
    }

    /// Takes all that has happened and tells whether a power key was pressed.
    pub(crate) fn was_pressed(&mut self) -> bool {
        let mut notices = [0; 4096];
        let mut changed = false;
        while sys::io::read(self.watch.as_fd(), &mut notices).is_ok_and(|count| count > 0) {
            changed = true;
        }
        let mut pressed = false;
        self.devices.retain(|fd| match device::power_key_pressed(fd.as_fd()) {
            Ok(now) => {
                pressed |= now;
                true
            }
            Err(_) => false, // the device is gone
        });
        if changed {
            let present = files::list("/dev/input").unwrap_or_default();
            self.seen.retain(|name| present.contains(name));
            self.look();
        }
        pressed
    }
}
