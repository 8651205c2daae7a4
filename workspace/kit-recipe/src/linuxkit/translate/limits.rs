//! Limits of control groups: version 1 becomes version 2.

#![expect(clippy::ref_option, reason = "a field of the schema is one type, wherever it goes")]

use std::collections::BTreeMap;
use std::ops::Range;

use super::Translator;
use crate::linuxkit::decode::Field;
use crate::linuxkit::entry::Config;
use crate::linuxkit::note::Fate;
use crate::linuxkit::resources::Resources;
use crate::linuxkit::toml::{Section, Toml};

/// The period of version 1 and 2 where none is written, in microseconds.
const PERIOD: i64 = 100_000;

impl Translator<'_> {
    pub(super) fn limits(&mut self, section: &mut Section, config: &Config) {
        let Some(all) = &config.resources else { return };
        let (resources, span) = (&all.value, &all.span);
        for (at, key, why) in &resources.without_counterpart {
            self.note(at, Fate::Lost, format!("`{key}` has no counterpart: {why}"));
        }
        let mut comments = self.comments_in(span);
        if let Some(limit) = positive(&resources.limit) {
            section.put("memory", &Toml::number(limit), std::mem::take(&mut comments));
        }
        if let Some(pids) = &resources.pids
            && pids.value > 0
        {
            let most = 4_194_304;
            if pids.value > most {
                self.note(&pids.span, Fate::Changed, format!("`pids` is {most}, the most that Linux has"));
            }
            section.put("processes", &Toml::number(pids.value.min(most)), std::mem::take(&mut comments));
        }
        let files = self.files_of(resources, span);
        if !files.is_empty() {
            let pairs = files.into_iter().map(|(file, text)| (file, Toml::text(&text), Vec::new())).collect();
            section.put_table("resources", pairs, comments);
        }
    }

    fn files_of(&mut self, resources: &Resources, span: &Range<usize>) -> Vec<(String, String)> {
        let mut files = Vec::new();
        let mut put = |file: &str, text: String| files.push((file.to_owned(), text));
        if let Some(shares) = positive(&resources.shares) {
            put("cpu.weight", weight_of_shares(shares).to_string());
        }
        let (quota, period) = (positive(&resources.quota), positive(&resources.period));
        if quota.is_some() || period.is_some() {
            let quota = quota.map_or("max".to_owned(), |quota| quota.to_string());
            put("cpu.max", format!("{quota} {}", period.unwrap_or(PERIOD)));
        }
        for (file, field) in [("cpuset.cpus", &resources.cpus), ("cpuset.mems", &resources.mems)] {
            if let Some(field) = field {
                put(file, field.value.clone());
            }
        }
        if let Some(reservation) = positive(&resources.reservation) {
            put("memory.low", reservation.to_string());
        }
        if let Some((file, text)) = self.swap(resources) {
            files.push((file, text));
        }
        files.extend(blocks(resources));
        for huge in &resources.hugepages {
            files.push((format!("hugetlb.{}.max", size_word(huge.size)), huge.limit.to_string()));
        }
        if files.iter().any(|(file, _)| file.starts_with("cpu.weight") || file.starts_with("io.")) {
            let text =
                "weights and rates are those of control groups of version 2, in the proportion of version 1";
            self.note(span, Fate::Changed, text);
        }
        files
    }

    /// Version 1 counts memory and swap together, version 2 swap alone.
    fn swap(&mut self, resources: &Resources) -> Option<(String, String)> {
        let swap = resources.swap.as_ref()?;
        let text = match (swap.value, positive(&resources.limit)) {
            (0, _) => return None,
            (-1, _) => "max".to_owned(),
            (both, Some(memory)) if both >= memory => (both - memory).to_string(),
            (_, Some(_)) => {
                let text = "`swap` is below `limit`, of which it is the sum with swap; it is left out";
                self.note(&swap.span, Fate::Lost, text);
                return None;
            }
            (_, None) => {
                let text = "`swap` is left out: it is the sum of memory and swap, and no `limit` says how much is memory";
                self.note(&swap.span, Fate::Lost, text);
                return None;
            }
        };
        Some(("memory.swap.max".to_owned(), text))
    }
}

/// Zero and less is no limit.
fn positive(field: &Field<i64>) -> Option<i64> {
    field.as_ref().map(|field| field.value).filter(|number| *number > 0)
}

/// Maps 2..=262144 to 1..=10000, as runc and systemd do.
fn weight_of_shares(shares: i64) -> i64 {
    1 + (shares.clamp(2, 262_144) - 2) * 9999 / 262_142
}

/// Maps 10..=1000 to 1..=10000, as runc does.
fn io_weight(weight: i64) -> i64 {
    1 + (weight.clamp(10, 1000) - 10) * 9999 / 990
}

fn blocks(resources: &Resources) -> Vec<(String, String)> {
    let mut files = Vec::new();
    let default = positive(&resources.weight).map(|weight| format!("default {}", io_weight(weight)));
    let devices = resources.weight_devices.iter().filter(|device| device.weight > 0);
    let devices =
        devices.map(|device| format!("{}:{} {}", device.major, device.minor, io_weight(device.weight)));
    let weights: Vec<_> = default.into_iter().chain(devices).collect();
    if !weights.is_empty() {
        files.push(("io.weight".to_owned(), weights.join("\n")));
    }
    let mut rates: BTreeMap<(i64, i64), Vec<String>> = BTreeMap::new();
    for throttle in resources.throttles.iter().filter(|throttle| throttle.rate > 0) {
        let rate = format!("{}={}", throttle.what, throttle.rate);
        rates.entry((throttle.major, throttle.minor)).or_default().push(rate);
    }
    if !rates.is_empty() {
        let lines =
            rates.iter().map(|((major, minor), rates)| format!("{major}:{minor} {}", rates.join(" ")));
        files.push(("io.max".to_owned(), lines.collect::<Vec<_>>().join("\n")));
    }
    files
}

/// Returns the size as the kernel names it: `2MB`.
fn size_word(bytes: i64) -> String {
    match bytes {
        bytes if bytes % (1 << 30) == 0 => format!("{}GB", bytes >> 30),
        bytes if bytes % (1 << 20) == 0 => format!("{}MB", bytes >> 20),
        bytes => format!("{}KB", bytes >> 10),
    }
}
