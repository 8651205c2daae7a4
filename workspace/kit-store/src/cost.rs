//! What steps took when they were last done, by their title: a hint for what to begin with, of which nothing depends.

use kit_hash::{BlobId, Encoder};

use crate::fan_out::FanOut;
use crate::gc::Keep;
use crate::sealed::unseal;
use crate::{Damage, Store, StoreError};

/// What a step took.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Measured {
    /// Milliseconds from start to end.
    pub wall_millis: u64,
    /// Milliseconds of processor time, of a script.
    pub cpu_millis: u64,
    /// Most memory, of a script, in bytes; 0 where it wasn't measured.
    pub peak_memory_bytes: u64,
}

impl Store {
    /// Remembers what the step of this title took, in place of what it took before.
    pub fn put_measured(&self, title: &str, measured: &Measured) -> Result<(), StoreError> {
        let mut e = Encoder::new("cost", 1);
        e.str(title).u64(measured.wall_millis).u64(measured.cpu_millis).u64(measured.peak_memory_bytes);
        self.publish_sealed(&self.costs, &name(title), &e)
    }

    /// Returns what the step of this title took when it was last done. What can't be read was never measured.
    pub fn measured(&self, title: &str) -> Option<Measured> {
        let bytes = self.costs.read(&name(title)).ok()??;
        decode(&bytes, title).ok()
    }
}

/// Forgets what nobody wrote to a cache since then.
pub(crate) fn sweep(cache: &FanOut, keep: Keep) -> Result<(), StoreError> {
    let recent = |name: &str| match keep {
        Keep::RootsOnly => false,
        Keep::UsedSince(time) => cache.stat(name).ok().flatten().is_some_and(|stat| {
            let since = time.duration_since(std::time::UNIX_EPOCH).map_or(0, |since| since.as_secs());
            u64::try_from(stat.st_mtime).unwrap_or(0) >= since
        }),
    };
    for name in cache.list()?.names.iter().filter(|name| !recent(name)) {
        cache.remove(name)?;
    }
    Ok(())
}

fn name(title: &str) -> String {
    BlobId::of(title.as_bytes()).to_string()
}

fn decode(bytes: &[u8], title: &str) -> Result<Measured, Damage> {
    let mut d = unseal(bytes, "cost")?;
    if d.str()? != title {
        return Err(Damage::Seal);
    }
    let measured = Measured { wall_millis: d.u64()?, cpu_millis: d.u64()?, peak_memory_bytes: d.u64()? };
    d.finish()?;
    Ok(measured)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::TestStore;

    #[test]
    fn what_was_measured_comes_back_until_it_is_collected() {
        let TestStore { mut store, root: _root } = TestStore::new();
        let measured = Measured { wall_millis: 1, cpu_millis: 2, peak_memory_bytes: 3 };
        assert_eq!(store.measured("build a"), None);
        store.put_measured("build a", &measured).unwrap();
        store.put_measured("build b", &Measured::default()).unwrap();
        assert_eq!(store.measured("build a"), Some(measured));
        let file = name("build a");
        let path = store.path().join(format!("costs/{}/{file}", &file[..2]));
        crate::testing::remove(&path);
        crate::testing::write(&path, b"torn");
        assert_eq!(store.measured("build a"), None);
        store.put_measured("build a", &measured).unwrap();
        assert_eq!(store.measured("build a"), Some(measured));
        let sweep = crate::gc::Sweep::Remove;
        let since = Keep::UsedSince(std::time::SystemTime::UNIX_EPOCH);
        store.gc(since, sweep, crate::lock::Wait::Never, &mut |_, _| ()).unwrap();
        assert_eq!(store.measured("build a"), Some(measured));
        store.gc(Keep::RootsOnly, sweep, crate::lock::Wait::Never, &mut |_, _| ()).unwrap();
        assert_eq!(store.measured("build a"), None);
    }
}
