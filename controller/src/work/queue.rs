//! What is to be reconciled next: each object once, namespaces in turn, later when it failed.
//!
//! Fair per namespace: a tenant with ten thousand objects delays nobody else's one by more than one turn.
//! Cluster-scoped objects are a line of their own.
//!
//! Objects are queued by name, without their uid: an object that is deleted and made again waits until the
//! worker that has the old one gives it back, or that worker's ownerReference could be written after the new
//! one. Which object has the name is asked of the memory when its turn comes, so no uid here can be an old one.

use std::collections::{BTreeSet, HashMap, HashSet, VecDeque};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use tokio::sync::Notify;
use tokio::time::Instant;

use super::pace;
use crate::object_id::ObjectName;

type Namespace = Option<String>;

/// From so many pauses on a silence is more than one connection that broke.
const LASTING: u32 = 2;

/// How much there is to do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Load {
    pub waiting: usize,
    pub at_work: usize,
}

/// The queue; a name is with one worker at a time.
#[derive(Default)]
pub(crate) struct Queue {
    state: Mutex<State>,
    changed: Notify,
}

#[derive(Default)]
struct State {
    /// Ready objects by namespace, and the namespaces in the order of their turns.
    ready: HashMap<Namespace, VecDeque<Arc<ObjectName>>>,
    turns: VecDeque<Namespace>,
    queued: HashSet<Arc<ObjectName>>,
    working: HashSet<Arc<ObjectName>>,
    /// Asked for again while a worker had it.
    again: HashSet<Arc<ObjectName>>,
    /// When to come back, and the same by object, so that each waits for one time only.
    later: BTreeSet<(Instant, Arc<ObjectName>)>,
    later_by_object: HashMap<Arc<ObjectName>, Instant>,
    silence: Silence,
    closed: bool,
}

/// An API server that does not answer: nothing is handed out for a while, since nothing would come of it.
#[derive(Default)]
struct Silence {
    /// How often in a row nothing answered, with a pause between.
    pauses: u32,
    until: Option<Instant>,
}

impl Queue {
    /// Asks for `object` to be reconciled now.
    pub(crate) fn add(&self, object: Arc<ObjectName>) {
        self.with(|state| state.add(object));
        self.changed.notify_one();
    }

    /// Asks for `object` to be reconciled after `delay`, unless something asks sooner.
    pub(crate) fn add_after(&self, object: Arc<ObjectName>, delay: Duration) {
        let at = Instant::now() + delay;
        self.with(|state| {
            if state.later_by_object.get(&object).is_some_and(|earlier| *earlier <= at) {
                return;
            }
            state.forget_later(&object);
            state.later.insert((at, object.clone()));
            state.later_by_object.insert(object, at);
        });
        self.changed.notify_one();
    }

    /// The next object; `None` once the queue is closed.
    pub(crate) async fn next(&self) -> Option<Arc<ObjectName>> {
        loop {
            let changed = self.changed.notified();
            let (object, wake_at) = self.with(State::take);
            if object.is_some() {
                self.changed.notify_one();
                return object;
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

    /// Gives an object back after its reconcile.
    pub(crate) fn done(&self, object: &Arc<ObjectName>) {
        self.with(|state| {
            state.working.remove(object);
            if state.again.remove(object) {
                state.add(object.clone());
            }
        });
        self.changed.notify_one();
    }

    /// Nothing answered a worker: nothing is handed out for 0.1 s, then ever longer, up to 4 s. Says whether that is news.
    pub(crate) fn nothing_answers(&self) -> bool {
        let now = Instant::now();
        self.with(|state| {
            let silence = &mut state.silence;
            // Whoever was at work when the pause began says the same once more.
            if silence.until.is_some_and(|until| now < until) {
                return false;
            }
            silence.pauses = silence.pauses.saturating_add(1);
            silence.until = Some(now + pace::after_errors(silence.pauses));
            silence.pauses == LASTING
        })
    }

    /// The API server answered a worker. After a silence that lasted, what waits for its time is ready now: it may be
    /// the silence that it waits for. Says whether it had lasted.
    pub(crate) fn answered(&self) -> bool {
        let has_lasted = self.with(|state| {
            let has_lasted = state.silence.pauses >= LASTING;
            state.silence = Silence::default();
            if has_lasted {
                for (_, object) in std::mem::take(&mut state.later) {
                    state.add(object);
                }
            }
            has_lasted
        });
        if has_lasted {
            self.changed.notify_one();
        }
        has_lasted
    }

    /// How many objects are ready and wait for a worker, and how many a worker has, at one moment.
    pub(crate) fn load(&self) -> Load {
        self.with(|state| Load { waiting: state.queued.len(), at_work: state.working.len() })
    }

    /// No more work is handed out; what is with a worker is finished.
    pub(crate) fn close(&self) {
        self.with(|state| state.closed = true);
        self.changed.notify_one();
    }

    fn with<T>(&self, act: impl FnOnce(&mut State) -> T) -> T {
        // A lock that was poisoned by a panic is used on: at worst one object waits until it is asked for again.
        act(&mut self.state.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

impl State {
    fn add(&mut self, object: Arc<ObjectName>) {
        self.forget_later(&object);
        if self.working.contains(&object) {
            self.again.insert(object);
        } else if self.queued.insert(object.clone()) {
            let line = self.ready.entry(object.namespace.clone()).or_default();
            if line.is_empty() {
                self.turns.push_back(object.namespace.clone());
            }
            line.push_back(object);
        }
    }

    /// The next ready object, or the time at which one becomes ready.
    fn take(&mut self) -> (Option<Arc<ObjectName>>, Option<Instant>) {
        if self.closed {
            return (None, None);
        }
        let now = Instant::now();
        if let Some(until) = self.silence.until.filter(|until| now < *until) {
            return (None, Some(until));
        }
        while let Some((at, object)) = self.later.first().cloned() {
            if at > now {
                break;
            }
            self.add(object);
        }
        let object = self.next_in_turn();
        if let Some(object) = &object {
            self.queued.remove(object);
            self.working.insert(object.clone());
        }
        (object, self.later.first().map(|(at, _)| *at))
    }

    fn next_in_turn(&mut self) -> Option<Arc<ObjectName>> {
        let namespace = self.turns.pop_front()?;
        let line = self.ready.get_mut(&namespace)?;
        let object = line.pop_front();
        if line.is_empty() {
            self.ready.remove(&namespace);
        } else {
            self.turns.push_back(namespace);
        }
        object
    }

    fn forget_later(&mut self, object: &Arc<ObjectName>) {
        if let Some(at) = self.later_by_object.remove(object) {
            self.later.remove(&(at, object.clone()));
        }
    }
}

#[cfg(test)]
mod tests;
