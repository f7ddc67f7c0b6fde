//! What must not be forgotten, and what must not be remembered.

mod accounts;
mod cluster;
mod room;

use futures::FutureExt;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::{Condition, Time};
use k8s_openapi::jiff::Timestamp;
use seal_core::kind::sealed::SealedSecretStatus;
use seal_core::place::Scope;

use super::*;
use crate::work::queue::Queue;

const EVERYWHERE: Watched = Watched(None);

fn memory() -> Memory {
    Memory::new(Grants::default())
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
    memory.sealed(&EVERYWHERE, arrived(sealed))
}

fn arrived(sealed: SealedSecret) -> Arrived {
    Arrived { sealed, is_readable: true, is_whole: true, bytes: 1000 }
}

/// One that this version's type cannot hold.
fn unreadable() -> Arrived {
    Arrived { is_readable: false, is_whole: false, ..arrived(sealed(&[])) }
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

fn with_status(observed: i64, resource_version: &str) -> SealedSecret {
    let mut echo = sealed(&[]);
    echo.metadata.resource_version = Some(resource_version.into());
    echo.status = Some(SealedSecretStatus {
        observed_generation: Some(observed),
        ..SealedSecretStatus::default()
    });
    echo
}

#[test]
fn a_status_that_somebody_else_writes_is_work_and_our_own_is_none() {
    let memory = memory();
    arrives(&memory, sealed(&[]));
    let id = id(&memory);
    let ours = with_status(1, "20").status.unwrap();
    memory.update(&id, |it| {
        it.processed(1);
        it.writes_status(&ours);
    });
    assert_eq!(arrives(&memory, with_status(1, "20")), None, "told before the answer came");
    memory.update(&id, |it| it.wrote_status(ours, Some("20")));
    assert_eq!(arrives(&memory, with_status(-1, "19")), None, "an earlier version");
    assert_eq!(arrives(&memory, with_status(1, "21")), None, "somebody's label");
    assert!(arrives(&memory, with_status(-1, "22")).is_some());
}

#[test]
fn of_two_requests_the_later_one_counts_in_whatever_zone_it_is_written() {
    let flux = "2026-01-02T09:00:00.5+02:00";
    for (ours, later) in
        [("2026-01-02T06:00:00Z", flux), ("2026-01-02T08:00:00Z", "2026-01-02T08:00:00Z")]
    {
        let annotations =
            [("seal.dev/reconcile-at", ours), ("reconcile.fluxcd.io/requestedAt", flux)];
        let tracked = Tracked::of(
            &arrived(sealed(&annotations)),
            ObjectName::sealed_secret(&place()),
            &Grants::default(),
        );
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
    memory.update(&old, |it| it.trouble.is_told = true);
    let mut again = sealed(&[]);
    again.metadata.uid = Some("another".into());
    arrives(&memory, again);
    memory.update(&old, |it| it.trouble.is_told = true);
    memory.saw_live(&old, &place(), &live("10"));
    let (tracked, _) = memory.turn(&old.at).unwrap();
    assert_eq!((tracked.id.uid.as_str(), tracked.trouble.is_told), ("another", false));
    assert!(memory.is_absent(&place()));
}

#[tokio::test(start_paused = true)]
async fn one_worker_has_a_name_at_a_time_also_when_the_object_is_made_again_meanwhile() {
    let (memory, queue) = (memory(), Queue::default());
    arrives(&memory, sealed(&[])).into_iter().for_each(|object| queue.add(object));
    let first = queue.next().await.unwrap();
    assert_eq!(memory.turn(&first).unwrap().0.id.uid, "sealed");

    memory.sealed_gone(Kind::SealedSecret, &sealed(&[]).metadata);
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
    let name = memory.sealed(&EVERYWHERE, unreadable()).unwrap();
    let (tracked, fresh) = memory.turn(&name).unwrap();
    assert!(!tracked.readable && fresh.is_none());
    memory.update(&tracked.id, |it| it.processed(1));
    assert_eq!(memory.sealed(&EVERYWHERE, unreadable()), None, "its own status");
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
