//! A machine that a test starts with the devices that it wants: disks, networks, a keyboard.

use std::fmt::Write as _;
use std::io::Write as _;
use std::process::{Child, Stdio};
use std::time::{Duration, Instant};

use crate::TestProject;

/// How long a machine may take for anything: it is emulated, and others may be at the same time.
const PATIENCE: Duration = Duration::from_mins(5);

/// The emulator, and what every machine has.
const QEMU: &str = "tool --network qemu -- qemu-system-x86_64 -nodefaults -no-user-config \
     -no-reboot -display none -machine q35,accel=tcg -cpu max,-cx16 -m 512 -serial stdio";

/// A running machine, which is ended when it is dropped.
#[derive(Debug)]
pub struct Machine<'a> {
    project: &'a TestProject,
    console: String,
    child: Child,
}

impl<'a> Machine<'a> {
    /// Boots an image of the project that is built, in the emulator that its tools have. `arguments` are QEMU's, in words
    /// that spaces separate; paths are relative to the project. What the machine prints goes to the file `console`; what
    /// is [typed](Self::type_line) reaches its first serial line.
    pub fn start(project: &'a TestProject, image: &str, console: &str, arguments: &str) -> Self {
        let cmdline = project.read(&format!("out/{image}-cmdline"));
        let mut words: Vec<String> = QEMU.split_whitespace().map(str::to_owned).collect();
        words.extend(["-kernel".to_owned(), format!("out/{image}-kernel")]);
        words.extend(["-initrd".to_owned(), format!("out/{image}-initrd.img")]);
        words.extend(["-append".to_owned(), cmdline.trim_end().to_owned()]);
        words.extend(arguments.split_whitespace().map(str::to_owned));
        Self::spawn(project, console, &words)
    }

    /// Starts the emulator with nothing to boot but what `arguments` say: firmware and disks.
    pub fn bare(project: &'a TestProject, console: &str, arguments: &str) -> Self {
        let words: Vec<String> =
            QEMU.split_whitespace().chain(arguments.split_whitespace()).map(str::to_owned).collect();
        Self::spawn(project, console, &words)
    }

    /// Starts an emulator by all the words of kit's command line.
    pub fn spawn(project: &'a TestProject, console: &str, words: &[String]) -> Self {
        let words: Vec<&str> = words.iter().map(String::as_str).collect();
        let log = std::fs::File::create(project.path().join(console)).expect("a file");
        let child = project
            .command(&words)
            .stdin(Stdio::piped())
            .stderr(log.try_clone().expect("another handle"))
            .stdout(log)
            .spawn()
            .expect("kit runs");
        Self { project, console: console.to_owned(), child }
    }

    /// Types a line at its console.
    pub fn type_line(&mut self, text: &str) {
        let keyboard = self.child.stdin.as_mut().expect("because it is piped");
        keyboard.write_all(format!("{text}\n").as_bytes()).expect("the emulator reads");
    }

    /// Returns what it has printed.
    pub fn printed(&self) -> String {
        // A serial line that is being set up gives bytes that are no text.
        let bytes = std::fs::read(self.project.path().join(&self.console)).expect("a file");
        String::from_utf8_lossy(&bytes).replace('\r', "")
    }

    /// Waits until it has printed this text; fails the test when it ends before.
    #[track_caller]
    pub fn wait_for(&mut self, text: &str) {
        self.wait_for_times(text, 1);
    }

    /// The same until it has printed the text so many times.
    #[track_caller]
    pub fn wait_for_times(&mut self, text: &str, times: usize) {
        let end = Instant::now() + PATIENCE;
        loop {
            // In this order: what it prints before it ends counts.
            let ended = self.child.try_wait().expect("it is our own").is_some();
            let printed = self.printed();
            if printed.matches(text).count() >= times {
                return;
            }
            assert!(!ended && Instant::now() < end, "no `{text}` in:\n{printed}");
            std::thread::sleep(Duration::from_millis(50));
        }
    }
}

impl Drop for Machine<'_> {
    fn drop(&mut self) {
        _ = self.child.kill();
        _ = self.child.wait();
    }
}

/// QEMU's arguments for the disk that says what the machine is, as `NoCloud` has it: the files in `seed` of the project.
pub const SEED: &str = " -blockdev driver=vvfat,node-name=seed,dir=seed,label=CIDATA,read-only=on \
     -device virtio-blk-pci,drive=seed";

/// Returns QEMU's arguments for a network behind the emulator; `forward` are options of it, each after a comma.
pub fn network(forward: &str) -> String {
    format!(" -netdev user,id=net{forward} -device virtio-net-pci,netdev=net,romfile=")
}

/// Returns QEMU's arguments for disks of the machine, in their order: files of the project.
pub fn disks(files: &[&str]) -> String {
    files.iter().enumerate().fold(String::new(), |mut words, (index, file)| {
        write!(
            words,
            " -drive if=none,id=disk{index},file={file},format=raw -device virtio-blk-pci,drive=disk{index}"
        )
        .expect("a string takes it");
        words
    })
}
