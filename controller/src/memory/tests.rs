//! What must not be forgotten, and what must not be remembered.

use seal_core::reason::Reason;

use super::*;
use crate::outcome::Outcome;
use crate::target::status;

fn place() -> Place {
    Place::new("prod", "db").unwrap()
}

fn sealed(annotations: &[(&str, &str)]) -> SealedSecret {
    let mut sealed = SealedSecret::default();
    let pairs = annotations.iter().map(|(key, value)| ((*key).to_owned(), (*value).to_owned()));
    sealed.metadata = ObjectMeta {
        namespace: Some("prod".into()),
        name: Some("db".into()),
        uid: Some("sealed".into()),
        generation: Some(1),
        annotations: Some(pairs.collect()),
        ..ObjectMeta::default()
    };
    sealed.spec.scope = seal_core::place::Scope::of(&place());
    sealed
}

fn live(resource_version: &str) -> ObjectMeta {
    ObjectMeta {
        namespace: Some("prod".into()),
        name: Some("db".into()),
        uid: Some("live".into()),
        resource_version: Some(resource_version.into()),
        ..ObjectMeta::default()
    }
}

fn arrives(index: &Index, sealed: SealedSecret) -> Option<Place> {
    index.sealed(&None, sealed, &Policy::default())
}

#[test]
fn an_edit_that_the_watch_tells_before_our_write_is_answered_is_not_forgotten() {
    let index = Index::default();
    arrives(&index, sealed(&[]));
    index.secret(&None, &live("10"));
    index.secret(&None, &live("11"));
    index.saw_live(&place(), &live("10"));
    let Known::Version(known) = index.live(&place()) else { panic!("it is there") };
    assert_eq!(known.written.resource_version, "11");
}

#[test]
fn a_removal_that_the_watch_tells_before_our_write_is_answered_is_not_forgotten() {
    let index = Index::default();
    arrives(&index, sealed(&[]));
    index.secret(&None, &live("10"));
    index.secret_gone(&None, &live("11"));
    index.saw_live(&place(), &live("10"));
    assert_eq!(index.live(&place()), Known::Unknown);
}

#[test]
fn an_edit_before_the_status_says_that_the_secret_is_ours_is_seen_in_the_end() {
    let index = Index::default();
    arrives(&index, sealed(&[]));
    index.saw_live(&place(), &live("10"));
    let written = WrittenSecret { uid: "live".into(), resource_version: "10".into() };
    assert!(!index.changed_since(&place(), &written));
    index.secret(&None, &live("11"));
    assert!(index.changed_since(&place(), &written));
}

#[test]
fn our_own_status_does_not_cut_a_delay_short() {
    let index = Index::default();
    assert_eq!(arrives(&index, sealed(&[])), Some(place()));
    let retrying = Outcome { reason: Reason::Retrying, message: "not now".into() };
    let mut echo = sealed(&[]);
    echo.status = Some(status::next(&SealedSecretStatus::default(), 1, &retrying));
    assert_eq!(arrives(&index, echo), None);
    let asked = sealed(&[("seal.dev/reconcile-at", "2026-01-01T00:00:00Z")]);
    assert_eq!(arrives(&index, asked), Some(place()));
    let mut changed = sealed(&[("seal.dev/reconcile-at", "2026-01-01T00:00:00Z")]);
    changed.metadata.generation = Some(2);
    assert_eq!(arrives(&index, changed), Some(place()));
}

#[test]
fn of_two_requests_the_later_one_counts_in_whatever_zone_it_is_written() {
    let requested = |ours: &str, flux: &str| {
        let annotations =
            [("seal.dev/reconcile-at", ours), ("reconcile.fluxcd.io/requestedAt", flux)];
        track(&sealed(&annotations), &place(), &Policy::default()).reconcile_at.unwrap()
    };
    let flux = "2026-01-02T09:00:00.5+02:00";
    assert_eq!(requested("2026-01-02T06:00:00Z", flux), flux);
    assert_eq!(requested("2026-01-02T08:00:00Z", flux), "2026-01-02T08:00:00Z");
}

#[test]
fn a_tenant_cannot_fill_the_memory_with_requests_or_with_what_is_not_sealed() {
    let index = Index::default();
    let mut greedy = sealed(&[("seal.dev/reconcile-at", &"x".repeat(250_000))]);
    let text = "x".repeat(1 << 20);
    let template = greedy.spec.template.get_or_insert_default();
    template.string_data.insert("k".into(), text);
    for n in 0..100 {
        let mut sealed = greedy.clone();
        sealed.metadata.name = Some(format!("s{n}"));
        arrives(&index, sealed);
    }
    index.with(|state| {
        assert!(state.fresh.len() <= 4 && state.fresh_bytes <= FRESH_BYTES);
        assert!(state.sealed.values().all(|tracked| tracked.reconcile_at.is_none()));
    });
}
