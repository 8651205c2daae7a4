//! The same work on many things, some at a time.

use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

/// Does `work` on each item, `jobs` at a time; results are in the order of the items. After a failure nothing new begins, and the failure of
/// the first item that failed is returned.
pub fn each<T: Sync, R: Send, E: Send>(
    items: &[T],
    jobs: usize,
    work: &(dyn Fn(&T) -> Result<R, E> + Sync),
) -> Result<Vec<R>, E> {
    let (next, failed) = (AtomicUsize::new(0), AtomicBool::new(false));
    let results = Mutex::new(Vec::new());
    std::thread::scope(|scope| {
        for _ in 0..jobs.max(1).min(items.len()) {
            scope.spawn(|| {
                while !failed.load(Ordering::Relaxed) {
                    let at = next.fetch_add(1, Ordering::Relaxed);
                    let Some(item) = items.get(at) else { return };
                    let result = work(item);
                    failed.fetch_or(result.is_err(), Ordering::Relaxed);
                    results.lock().expect("because no holder panics").push((at, result));
                }
            });
        }
    });
    let mut results = results.into_inner().expect("because no holder panics");
    results.sort_unstable_by_key(|(at, _)| *at);
    results.into_iter().map(|(_, result)| result).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::BuildError;

    #[test]
    fn results_are_in_order_and_the_first_failure_counts() {
        let items: Vec<usize> = (0..100).collect();
        let doubled = each(&items, 8, &|n| Ok::<_, BuildError>(n * 2)).unwrap();
        assert_eq!(doubled, (0..200).step_by(2).collect::<Vec<_>>());
        assert!(each(&[] as &[u8], 8, &|_| Ok::<_, BuildError>(())).unwrap().is_empty());
        let title = |n: usize| BuildError::NoInit { title: n.to_string() };
        let failed = each(&items, 3, &|n| if *n >= 7 { Err(title(*n)) } else { Ok(()) }).unwrap_err();
        assert_eq!(failed.to_string(), title(7).to_string());
    }
}
