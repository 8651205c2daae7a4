//! The words of the kernel's command line that are for kit-init.

use crate::power::Ending;

/// What the command line says.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Options {
    /// `kit.on-failure=halt|poweroff|reboot`: how the machine ends when it cannot boot; `poweroff` if absent.
    pub(crate) on_failure: Ending,
    /// `kit.on-failure=rescue`: before that, a shell on the console.
    pub(crate) rescue: bool,
    /// `kit.exit=services`
    pub(crate) when_done: WhenDone,
}

/// What happens when all services have ended and none starts again.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum WhenDone {
    /// The machine keeps running.
    Stay,
    /// It powers off.
    PowerOff,
}

/// Words that say where the root is.
const FOR_THE_FIRST_STAGE: [&str; 3] = ["kit.root=", "kit.roothash=", "kit.on-corruption="];

/// Reads the command line; words that start with `kit.` and are not known come back as complaints.
pub(crate) fn parse(line: &str) -> (Options, Vec<String>) {
    let mut options = Options { on_failure: Ending::PowerOff, rescue: false, when_done: WhenDone::Stay };
    let mut unknown = Vec::new();
    for word in line.split_ascii_whitespace().filter(|word| word.starts_with("kit.")) {
        match word {
            "kit.on-failure=halt" => options.on_failure = Ending::Halt,
            "kit.on-failure=poweroff" => options.on_failure = Ending::PowerOff,
            "kit.on-failure=reboot" => options.on_failure = Ending::Reboot,
            "kit.on-failure=rescue" => options.rescue = true,
            "kit.exit=services" => options.when_done = WhenDone::PowerOff,
            // The digest of the image's lockfile, for people and tools, not for us.
            _ if word.starts_with("kit.pin=") => {}
            // What the first stage did, see `stage/words.rs`.
            _ if FOR_THE_FIRST_STAGE.iter().any(|key| word.starts_with(key)) => {}
            _ => unknown.push(format!("{word} on the kernel's command line is not known and has no effect")),
        }
    }
    (options, unknown)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_our_words_and_no_others() {
        let (options, unknown) = parse("console=ttyS0 quiet\n");
        assert_eq!(
            options,
            Options { on_failure: Ending::PowerOff, rescue: false, when_done: WhenDone::Stay }
        );
        assert!(parse("kit.on-failure=rescue").0.rescue);
        assert!(unknown.is_empty());
        assert!(parse("kit.root=erofs:type kit.roothash=12 kit.on-corruption=panic").1.is_empty());
        let (options, unknown) = parse("kit.on-failure=reboot kit.exit=services kit.pin=abc kit.exti=1");
        assert_eq!((options.on_failure, options.when_done), (Ending::Reboot, WhenDone::PowerOff));
        assert_eq!(unknown, ["kit.exti=1 on the kernel's command line is not known and has no effect"]);
    }
}
