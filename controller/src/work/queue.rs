//! What is to be reconciled next: each object once, namespaces in turn, later when it failed.
//!
//! Fair per namespace: a tenant with ten thousand objects delays nobody else's one by more than one turn.

use std::collections::{BTreeMap, HashMap, HashSet, VecDeque};
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use seal_core::place::Place;
use tokio::sync::Notify;
use tokio::time::Instant;

/// A queue of places; an object is with one worker at a time.
#[derive(Default)]
pub(crate) struct Queue {
    state: Mutex<State>,
    changed: Notify,
}

#[derive(Default)]
struct State {
    /// Ready objects by namespace, and the namespaces in the order of their turns.
    ready: HashMap<String, VecDeque<Place>>,
    turns: VecDeque<String>,
    queued: HashSet<Place>,
    working: HashSet<Place>,
    /// Asked for again while a worker had it.
    again: HashSet<Place>,
    /// When to come back, and the same by place, so that an object waits for one time only.
    later: BTreeMap<(Instant, Place), ()>,
    later_by_place: HashMap<Place, Instant>,
    closed: bool,
}

impl Queue {
    /// Asks for `place` to be reconciled now.
    pub(crate) fn add(&self, place: Place) {
        self.with(|state| state.add(place));
        self.changed.notify_one();
    }

    /// Asks for `place` to be reconciled after `delay`, unless something asks sooner.
    pub(crate) fn add_after(&self, place: Place, delay: Duration) {
        let at = Instant::now() + delay;
        self.with(|state| {
            if state.later_by_place.get(&place).is_some_and(|earlier| *earlier <= at) {
                return;
            }
            state.forget_later(&place);
            state.later.insert((at, place.clone()), ());
            state.later_by_place.insert(place, at);
        });
        self.changed.notify_one();
    }

    /// The next place; `None` once the queue is closed.
    pub(crate) async fn next(&self) -> Option<Place> {
        loop {
            let changed = self.changed.notified();
            let (place, wake_at) = self.with(State::take);
            if place.is_some() {
                self.changed.notify_one();
                return place;
            }
            if self.with(|state| state.closed) {
                self.changed.notify_one();
                return None;
            }
            match wake_at {
                Some(at) => {
                    let _ = tokio::time::timeout_at(at, changed).await;
                }
                None => changed.await,
            }
        }
    }

    /// Gives a place back after its reconcile.
    pub(crate) fn done(&self, place: &Place) {
        self.with(|state| {
            state.working.remove(place);
            if state.again.remove(place) {
                state.add(place.clone());
            }
        });
        self.changed.notify_one();
    }

    /// Objects that are ready and wait for a worker.
    pub(crate) fn depth(&self) -> usize {
        self.with(|state| state.queued.len())
    }

    /// No more work is handed out; what is with a worker is finished.
    pub(crate) fn close(&self) {
        self.with(|state| state.closed = true);
        self.changed.notify_one();
    }

    fn with<T>(&self, act: impl FnOnce(&mut State) -> T) -> T {
        // A panic while the lock is held leaves nothing half done that matters: places are re-added.
        act(&mut self.state.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

impl State {
    fn add(&mut self, place: Place) {
        self.forget_later(&place);
        if self.working.contains(&place) {
            self.again.insert(place);
        } else if self.queued.insert(place.clone()) {
            let line = self.ready.entry(place.namespace.clone()).or_default();
            if line.is_empty() {
                self.turns.push_back(place.namespace.clone());
            }
            line.push_back(place);
        }
    }

    /// The next ready place, or the time at which one becomes ready.
    fn take(&mut self) -> (Option<Place>, Option<Instant>) {
        if self.closed {
            return (None, None);
        }
        let now = Instant::now();
        while let Some((at, place)) = self.later.first_key_value().map(|(key, ())| key.clone()) {
            if at > now {
                break;
            }
            self.add(place);
        }
        let place = self.turns.pop_front().and_then(|namespace| {
            let line = self.ready.get_mut(&namespace)?;
            let place = line.pop_front();
            if line.is_empty() {
                self.ready.remove(&namespace);
            } else {
                self.turns.push_back(namespace);
            }
            place
        });
        if let Some(place) = &place {
            self.queued.remove(place);
            self.working.insert(place.clone());
        }
        (place, self.later.first_key_value().map(|((at, _), ())| *at))
    }

    fn forget_later(&mut self, place: &Place) {
        if let Some(at) = self.later_by_place.remove(place) {
            self.later.remove(&(at, place.clone()));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn place(namespace: &str, name: &str) -> Place {
        Place::new(namespace, name).unwrap()
    }

    #[tokio::test(start_paused = true)]
    async fn namespaces_take_turns() {
        let queue = Queue::default();
        for name in ["1", "2", "3"] {
            queue.add(place("big", name));
        }
        queue.add(place("small", "1"));
        let mut order = Vec::new();
        for _ in 0..4 {
            order.push(queue.next().await.unwrap().to_string());
        }
        assert_eq!(order, ["big/1", "small/1", "big/2", "big/3"]);
    }

    #[tokio::test(start_paused = true)]
    async fn an_object_is_with_one_worker_and_comes_back_when_asked_for_meanwhile() {
        let queue = Queue::default();
        queue.add(place("a", "x"));
        queue.add(place("a", "x"));
        let x = queue.next().await.unwrap();
        queue.add(x.clone());
        assert_eq!(queue.depth(), 0);
        queue.done(&x);
        assert_eq!(queue.next().await, Some(x.clone()));
        queue.done(&x);
        queue.close();
        assert_eq!(queue.next().await, None);
    }

    #[tokio::test(start_paused = true)]
    async fn later_comes_later_and_sooner_wins() {
        let queue = Queue::default();
        let start = Instant::now();
        queue.add_after(place("a", "late"), Duration::from_secs(60));
        queue.add_after(place("a", "soon"), Duration::from_secs(5));
        queue.add_after(place("a", "late"), Duration::from_secs(20));
        assert_eq!(queue.next().await.unwrap().name, "soon");
        assert_eq!(start.elapsed().as_secs(), 5);
        assert_eq!(queue.next().await.unwrap().name, "late");
        assert_eq!(start.elapsed().as_secs(), 20);
        queue.close();
    }
}
