//! What must not be forgotten, what must not be remembered, and who waits for room.

use futures::FutureExt;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::{Condition, Time};
use k8s_openapi::jiff::Timestamp;
use seal_core::kind::sealed::SealedSecretStatus;
use seal_core::place::Scope;

use super::*;
use crate::work::queue::Queue;

const EVERYWHERE: Watched = Watched(None);

fn memory() -> Memory {
    Memory::new(Policy::default())
}

fn place() -> Place {
    Place::new("prod", "db").unwrap()
}

fn sealed(annotations: &[(&str, &str)]) -> SealedSecret {
    let pairs = annotations.iter().map(|(key, value)| ((*key).to_owned(), (*value).to_owned()));
    let mut sealed = named("prod", "db");
    sealed.metadata.annotations = Some(pairs.collect());
    sealed
}

fn named(namespace: &str, name: &str) -> SealedSecret {
    let metadata = ObjectMeta {
        namespace: Some(namespace.into()),
        name: Some(name.into()),
        uid: Some("sealed".into()),
        generation: Some(1),
        ..ObjectMeta::default()
    };
    let mut sealed = SealedSecret { metadata, ..SealedSecret::default() };
    sealed.spec.scope = Scope::of(&Place::new(namespace, name).unwrap());
    sealed
}

/// One whose value alone has this many bytes.
fn heavy(name: &str, bytes: usize) -> SealedSecret {
    let mut sealed = named("prod", name);
    let template = sealed.spec.template.get_or_insert_default();
    template.string_data.insert("k".into(), "x".repeat(bytes));
    sealed
}

fn live(resource_version: &str) -> ObjectMeta {
    secret("db", resource_version)
}

fn secret(name: &str, resource_version: &str) -> ObjectMeta {
    ObjectMeta {
        namespace: Some("prod".into()),
        name: Some(name.into()),
        uid: Some("live".into()),
        resource_version: Some(resource_version.into()),
        ..ObjectMeta::default()
    }
}

fn written(resource_version: &str) -> WrittenSecret {
    WrittenSecret { uid: "live".into(), resource_version: resource_version.into() }
}

fn arrives(memory: &Memory, sealed: SealedSecret) -> Option<Arc<ObjectName>> {
    memory.sealed(&EVERYWHERE, Box::new(sealed))
}

/// The object `db` in a memory that knows of it.
fn id(memory: &Memory) -> ObjectId {
    memory.turn(&ObjectName::sealed_secret(&place())).unwrap().0.id
}

#[test]
fn an_edit_that_the_watch_tells_before_our_write_is_answered_is_not_forgotten() {
    let memory = memory();
    arrives(&memory, sealed(&[]));
    memory.secret(&EVERYWHERE, &live("10"));
    memory.secret(&EVERYWHERE, &live("11"));
    memory.saw_live(&id(&memory), &place(), &live("10"));
    assert!(memory.is_still(&place(), &written("11")));
}

#[test]
fn a_removal_that_the_watch_tells_before_our_write_is_answered_is_not_forgotten() {
    let memory = memory();
    arrives(&memory, sealed(&[]));
    memory.secret(&EVERYWHERE, &live("10"));
    memory.secret_gone(&EVERYWHERE, &live("11"));
    memory.saw_live(&id(&memory), &place(), &live("10"));
    assert!(!memory.is_still(&place(), &written("10")), "it is not there");
    assert!(!memory.is_absent(&place()), "nor is it known to be gone");
}

#[test]
fn an_edit_before_the_status_says_that_the_secret_is_ours_is_seen_in_the_end() {
    let memory = memory();
    arrives(&memory, sealed(&[]));
    memory.saw_live(&id(&memory), &place(), &live("10"));
    assert!(!memory.changed_since(&place(), &written("10")));
    memory.secret(&EVERYWHERE, &live("11"));
    assert!(memory.changed_since(&place(), &written("10")));
}

#[test]
fn our_own_status_does_not_cut_a_delay_short() {
    let memory = memory();
    assert!(arrives(&memory, sealed(&[])).is_some());
    let retrying = Condition {
        type_: "Ready".into(),
        status: "False".into(),
        reason: "Retrying".into(),
        message: "not now".into(),
        observed_generation: Some(1),
        last_transition_time: Time(Timestamp::now()),
    };
    let mut echo = sealed(&[]);
    echo.status = Some(SealedSecretStatus {
        observed_generation: Some(1),
        conditions: vec![retrying],
        ..SealedSecretStatus::default()
    });
    assert_eq!(arrives(&memory, echo), None);
    let asked = sealed(&[("seal.dev/reconcile-at", "2026-01-01T00:00:00Z")]);
    assert!(arrives(&memory, asked).is_some());
    let mut changed = sealed(&[("seal.dev/reconcile-at", "2026-01-01T00:00:00Z")]);
    changed.metadata.generation = Some(2);
    assert!(arrives(&memory, changed).is_some());
}

#[test]
fn of_two_requests_the_later_one_counts_in_whatever_zone_it_is_written() {
    let flux = "2026-01-02T09:00:00.5+02:00";
    for (ours, later) in
        [("2026-01-02T06:00:00Z", flux), ("2026-01-02T08:00:00Z", "2026-01-02T08:00:00Z")]
    {
        let annotations =
            [("seal.dev/reconcile-at", ours), ("reconcile.fluxcd.io/requestedAt", flux)];
        let tracked = Tracked::of(&sealed(&annotations), &place(), &Policy::default());
        assert_eq!(tracked.reconcile_at.as_deref(), Some(later));
    }
}

#[test]
fn a_tenant_cannot_fill_the_memory_with_requests() {
    let memory = memory();
    arrives(&memory, sealed(&[("seal.dev/reconcile-at", &"x".repeat(250_000))]));
    let (tracked, _) = memory.turn(&ObjectName::sealed_secret(&place())).unwrap();
    assert_eq!(tracked.reconcile_at, None);
}

#[test]
fn nothing_is_known_of_an_object_that_another_one_has_replaced() {
    let memory = memory();
    arrives(&memory, sealed(&[]));
    let old = id(&memory);
    memory.update(&old, |it| it.failures = 3);
    let mut again = sealed(&[]);
    again.metadata.uid = Some("another".into());
    arrives(&memory, again);
    memory.update(&old, |it| it.failures = 4);
    memory.saw_live(&old, &place(), &live("10"));
    let (tracked, _) = memory.turn(&old.at).unwrap();
    assert_eq!((tracked.id.uid.as_str(), tracked.failures), ("another", 0));
    assert!(memory.is_absent(&place()));
}

#[tokio::test(start_paused = true)]
async fn one_worker_has_a_name_at_a_time_also_when_the_object_is_made_again_meanwhile() {
    let (memory, queue) = (memory(), Queue::default());
    arrives(&memory, sealed(&[])).into_iter().for_each(|object| queue.add(object));
    let first = queue.next().await.unwrap();
    assert_eq!(memory.turn(&first).unwrap().0.id.uid, "sealed");

    memory.sealed_gone(&sealed(&[]).metadata);
    assert!(memory.turn(&first).is_none());
    let mut again = sealed(&[]);
    again.metadata.uid = Some("another".into());
    arrives(&memory, again).into_iter().for_each(|object| queue.add(object));
    assert!(queue.next().now_or_never().is_none(), "the first worker still has the name");

    queue.done(&first);
    let second = queue.next().await.unwrap();
    assert_eq!(memory.turn(&second).unwrap().0.id.uid, "another");
}

#[test]
fn an_object_that_cannot_be_read_is_known_and_told_once() {
    let memory = memory();
    let metadata = sealed(&[]).metadata;
    let name = memory.unreadable(&EVERYWHERE, &metadata).unwrap();
    let (tracked, fresh) = memory.turn(&name).unwrap();
    assert!(!tracked.readable && fresh.is_none());
    memory.update(&tracked.id, |it| it.processed(1));
    assert_eq!(memory.unreadable(&EVERYWHERE, &metadata), None, "its own status");
    let mut mended = sealed(&[]);
    mended.metadata.generation = Some(2);
    arrives(&memory, mended).unwrap();
    assert!(memory.turn(&name).unwrap().0.readable);
}

#[test]
fn a_secret_that_was_listed_before_its_sealed_object_is_known_and_one_without_is_forgotten() {
    let memory = memory();
    memory.secret_list_begins(&EVERYWHERE);
    for n in 0..100 {
        memory.secret(&EVERYWHERE, &secret(&format!("unrelated-{n}"), "5"));
    }
    memory.secret(&EVERYWHERE, &live("10"));
    assert!(memory.secret_list_ends(&EVERYWHERE).is_empty());
    arrives(&memory, sealed(&[]));
    memory.lists_complete();
    assert!(memory.is_still(&place(), &written("10")));
    assert_eq!(memory.with(|state| state.live.versions()), 1);
    memory.secret(&EVERYWHERE, &secret("unrelated-100", "6"));
    assert_eq!(memory.with(|state| state.live.versions()), 1);
    assert!(!memory.is_absent(&Place::new("prod", "unrelated-1").unwrap()), "its name is known");
}

#[test]
fn a_secret_that_went_away_unseen_is_named_by_the_next_list() {
    let memory = memory();
    let name = arrives(&memory, sealed(&[])).unwrap();
    memory.secret(&EVERYWHERE, &live("10"));
    memory.secret_list_begins(&EVERYWHERE);
    assert_eq!(memory.secret_list_ends(&EVERYWHERE), [name]);
    assert!(memory.is_absent(&place()));
}

/// Whether a watch would have to wait.
fn waits(memory: &Memory) -> bool {
    memory.room().now_or_never().is_none()
}

#[test]
fn a_watch_waits_while_more_than_the_budget_has_arrived_and_nothing_is_dropped() {
    let memory = Memory::with_budget(Policy::default(), 10_000);
    let mut names = Vec::new();
    while !waits(&memory) {
        names.push(arrives(&memory, heavy(&format!("s{}", names.len()), 3000)).unwrap());
    }
    assert!(names.len() == 3 && memory.with(|state| state.fresh.bytes()) < 15_000);
    for name in names {
        assert!(memory.turn(&name).unwrap().1.is_some(), "{name} is still at hand");
        assert!(!waits(&memory));
    }
    assert_eq!(memory.with(|state| state.fresh.bytes()), 0);
}

#[test]
fn one_that_is_larger_than_the_budget_is_let_in() {
    let memory = Memory::with_budget(Policy::default(), 10_000);
    assert!(!waits(&memory));
    let name = arrives(&memory, heavy("large", 1_000_000)).unwrap();
    assert!(waits(&memory));
    assert!(memory.turn(&name).unwrap().1.is_some());
    assert!(!waits(&memory));
}

#[test]
fn whatever_becomes_of_an_object_there_is_room_again() {
    let gone = |memory: &Memory, sealed: SealedSecret| memory.sealed_gone(&sealed.metadata);
    let suspended = |memory: &Memory, mut sealed: SealedSecret| {
        sealed.spec.suspend = Some(true);
        assert_eq!(arrives(memory, sealed), None);
    };
    let deleted = |memory: &Memory, mut sealed: SealedSecret| {
        sealed.metadata.deletion_timestamp = Some(Time(Timestamp::now()));
        assert_eq!(arrives(memory, sealed), None);
    };
    let unlisted = |memory: &Memory, _: SealedSecret| {
        memory.sealed_list_begins(&EVERYWHERE);
        memory.sealed_list_ends(&EVERYWHERE);
    };
    let reconciled = |memory: &Memory, sealed: SealedSecret| {
        memory.turn(&ObjectName::sealed_secret(&sealed.place().unwrap()));
    };
    let fates: [fn(&Memory, SealedSecret); 5] = [gone, suspended, deleted, unlisted, reconciled];
    for (n, fate) in fates.into_iter().enumerate() {
        let memory = Memory::with_budget(Policy::default(), 10_000);
        let large = heavy("large", 20_000);
        arrives(&memory, large.clone()).unwrap();
        assert!(waits(&memory), "{n}");
        fate(&memory, large);
        assert!(!waits(&memory), "{n}");
    }
}

#[tokio::test(start_paused = true)]
async fn the_watches_of_several_namespaces_share_the_budget_and_all_go_on() {
    let memory = Arc::new(Memory::with_budget(Policy::default(), 10_000));
    let queue = Arc::new(Queue::default());
    let mut watches = tokio::task::JoinSet::new();
    for namespace in 0..3 {
        let (memory, queue) = (memory.clone(), queue.clone());
        watches.spawn(async move {
            for n in 0..20 {
                memory.room().await;
                let object = arrives(&memory, heavy(&format!("{namespace}-{n}"), 4000)).unwrap();
                queue.add(object);
                assert!(memory.with(|state| state.fresh.bytes()) < 10_000 + 3 * 6000);
                tokio::task::yield_now().await;
            }
        });
    }
    for _ in 0..60 {
        let object = queue.next().await.unwrap();
        assert!(memory.turn(&object).unwrap().1.is_some());
        queue.done(&object);
    }
    while let Some(watch) = watches.join_next().await {
        watch.unwrap();
    }
}
