//! Work on many files, several at a time.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;

/// More threads than this wait for the disk.
const MOST_THREADS: usize = 8;

/// What `work` makes of each item, in their order. Each thread has a `state` of its own, such as files that were read
/// once. `None` where a thread ended before its work.
pub(crate) fn each<T, S, R>(
    items: &[T],
    state: impl Fn() -> S + Sync,
    work: impl Fn(&T, &mut S) -> R + Sync,
) -> Option<Vec<R>>
where
    T: Sync,
    R: Send,
{
    let threads = thread::available_parallelism().map_or(1, usize::from).min(MOST_THREADS);
    let next = AtomicUsize::new(0);
    let take = || {
        let index = next.fetch_add(1, Ordering::Relaxed);
        items.get(index).map(|item| (index, item))
    };
    let run = || {
        let (mut done, mut state) = (Vec::new(), state());
        while let Some((index, item)) = take() {
            done.push((index, work(item, &mut state)));
        }
        done
    };
    let mut all = thread::scope(|scope| {
        let others: Vec<_> = (1..threads.min(items.len())).map(|_| scope.spawn(run)).collect();
        let mut all = run();
        for other in others {
            all.extend(other.join().unwrap_or_default());
        }
        all
    });
    all.sort_by_key(|(index, _)| *index);
    (all.len() == items.len()).then(|| all.into_iter().map(|(_, result)| result).collect())
}
