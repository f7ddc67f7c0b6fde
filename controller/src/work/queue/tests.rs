//! Turns, delays and pauses, on a clock that the tests advance.

use futures::FutureExt;

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

#[tokio::test(start_paused = true)]
async fn while_nothing_answers_nothing_is_handed_out_and_afterwards_nothing_waits_for_its_delay() {
    let queue = Queue::default();
    let start = Instant::now();
    queue.add_after(object("a", "failed"), Duration::from_secs(300));
    queue.add(object("a", "x"));
    let mut pauses = Vec::new();
    for _ in 0..8 {
        let x = queue.next().await.unwrap();
        let began = Instant::now();
        queue.nothing_answers();
        assert!(!queue.nothing_answers(), "the same pause, said by another worker");
        queue.add(x.clone());
        queue.done(&x);
        assert_eq!(queue.next().now_or_never(), None);
        pauses.push(queue.next().map(|_| began.elapsed().as_millis()).await);
        queue.done(&x);
        queue.add(x);
    }
    assert_eq!(pauses, [100, 200, 400, 800, 1600, 3200, 4000, 4000]);
    assert!(queue.answered() && !queue.answered());
    assert_eq!(queue.next().await.unwrap().name, "x");
    assert_eq!(queue.next().await.unwrap().name, "failed");
    assert!(start.elapsed() < Duration::from_secs(20));
}
