//! What usually mends a step that depends on its surroundings.

use super::{Cause, Variation};

impl Cause {
    /// Says what usually mends the step.
    pub fn remedies(&self) -> Vec<&'static str> {
        match self {
            Self::Variations(causes) => {
                let mut remedies: Vec<_> = causes.iter().flatten().map(|one| remedy(*one)).collect();
                remedies.dedup();
                remedies
            }
            Self::Always => {
                vec![
                    "take times from `SOURCE_DATE_EPOCH`, fix seeds, and write what runs in parallel in a fixed order",
                ]
            }
            Self::Sometimes => vec!["look for races: work that runs in parallel and writes to one place"],
            Self::Kit => vec!["this is a bug in kit: please report it, with the recipe and lockfile"],
        }
    }
}

fn remedy(variation: Variation) -> &'static str {
    match variation {
        Variation::Order => "sort names before they are used: `ls` sorts, `find` and `readdir` don't",
        Variation::FileSystem => {
            "leave inode numbers, device numbers, sizes of directories and free space out: `cpio --reproducible`"
        }
        Variation::Jobs | Variation::Finish => "keep steps from writing where another one reads",
        Variation::Processors => "set the number of jobs in the recipe, and write results in a fixed order",
        Variation::User => "write owners as fixed numbers: `tar --owner=0 --group=0 --numeric-owner`",
        Variation::Umask => "set modes by `chmod` or `install -m`",
        Variation::HostName => {
            "leave the host's name out; many builds take one from a variable, `KBUILD_BUILD_HOST` for one"
        }
        Variation::DomainName => "leave the domain out",
        Variation::TimeZone => "use UTC: `date -u`, `gmtime`; or set `TZ` under `[build.env]`",
        Variation::Locale => "set `LC_ALL=C` where texts are sorted, compared or formatted",
        Variation::Home => "keep `HOME` out of what is written",
        Variation::Environment => "use the variables that the recipe sets, and no others",
        Variation::BuildPath => "use relative paths, or map them: `-ffile-prefix-map`, `--remap-path-prefix`",
        Variation::Kernel => "leave the running kernel out: name the release that the result is for",
        Variation::ClockDay | Variation::ClockYears => {
            "take times from `SOURCE_DATE_EPOCH`; a test that expires needs a fixed time, as `faketime` gives it"
        }
        Variation::Addresses => "don't print, hash or sort by addresses of memory",
    }
}
