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

use crate::object_id::ObjectName;

type Namespace = Option<String>;

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
    closed: bool,
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
mod tests {
    use super::*;
    use crate::object_id::Kind;

    fn object(namespace: &str, name: &str) -> Arc<ObjectName> {
        named(Some(namespace.to_owned()), name)
    }

    fn named(namespace: Namespace, name: &str) -> Arc<ObjectName> {
        Arc::new(ObjectName { kind: Kind::SealedSecret, namespace, name: name.to_owned() })
    }

    #[tokio::test(start_paused = true)]
    async fn namespaces_take_turns_and_what_has_none_is_a_line_of_its_own() {
        let queue = Queue::default();
        for name in ["1", "2", "3"] {
            queue.add(object("big", name));
        }
        queue.add(object("small", "1"));
        queue.add(named(None, "everywhere"));
        let mut order = Vec::new();
        for _ in 0..5 {
            order.push(queue.next().await.unwrap().to_string());
        }
        assert_eq!(order, ["big/1", "small/1", "everywhere", "big/2", "big/3"]);
    }

    #[tokio::test(start_paused = true)]
    async fn an_object_is_with_one_worker_and_comes_back_when_asked_for_meanwhile() {
        let queue = Queue::default();
        queue.add(object("a", "x"));
        queue.add(object("a", "x"));
        let x = queue.next().await.unwrap();
        queue.add(x.clone());
        assert_eq!(queue.load(), Load { waiting: 0, at_work: 1 });
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
        queue.add_after(object("a", "late"), Duration::from_secs(60));
        queue.add_after(object("a", "soon"), Duration::from_secs(5));
        queue.add_after(object("a", "late"), Duration::from_secs(20));
        assert_eq!(queue.next().await.unwrap().name, "soon");
        assert_eq!(start.elapsed().as_secs(), 5);
        assert_eq!(queue.next().await.unwrap().name, "late");
        assert_eq!(start.elapsed().as_secs(), 20);
        queue.close();
    }
}
