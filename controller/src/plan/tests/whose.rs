//! Whose a live Secret is, and what a new generation or a wait for its end means.

use super::*;

#[test]
fn a_new_generation_is_written_even_where_every_value_stays() {
    let mut wanted = Wanted::new(&[("a", "1")], Template::default());
    let live = wanted.made();
    wanted.generation = 2;
    let Plan::Update { event, .. } = wanted.plan(Some(&live), Cause::File) else { panic!() };
    assert_eq!(event.message, "generation 2 of the file was written");
}

#[test]
fn a_new_generation_of_an_immutable_secret_is_made_anew_whether_a_value_is_another_or_not() {
    let frozen = Template { immutable: Some(true), ..Template::default() };
    let live = Wanted::new(&[("a", "1")], frozen.clone()).made();
    for guess in ["1", "2"] {
        let mut wanted = Wanted::new(&[("a", guess)], frozen.clone());
        wanted.generation = 2;
        assert!(matches!(wanted.plan(Some(&live), Cause::File), Plan::Replace { .. }));
    }
}

#[test]
fn what_others_put_into_the_metadata_goes_along_when_a_secret_is_made_anew() {
    let retyped = Template { type_: Some("example.com/own".into()), ..Template::default() };
    let mut live = Wanted::new(&[("a", "1")], Template::default()).made();
    live.metadata.labels.get_or_insert_default().insert("theirs".into(), "1".into());
    live.metadata.finalizers = Some(vec!["example.com/theirs".into()]);
    let wanted = Wanted::new(&[("a", "1")], retyped);
    let Plan::Replace { secret, .. } = wanted.plan(Some(&live), Cause::File) else { panic!() };
    assert_eq!(secret.metadata.labels.unwrap()["theirs"], "1");
    assert_eq!((secret.metadata.finalizers, secret.metadata.managed_fields), (None, None));
}

#[test]
fn nothing_is_deleted_that_this_very_sealed_object_has_not_made() {
    let frozen = Template { immutable: Some(true), ..Template::default() };
    let mut wanted = Wanted::new(&[("a", "2")], frozen.clone());
    let live = Wanted::new(&[("a", "1")], frozen).made();
    wanted.owner.uid = "uid-2".into();
    let plan = wanted.plan(Some(&live), Cause::File);
    assert!(matches!(plan, Plan::Wait(Waiting::Collected)), "{plan:?}");
    let given_up = accepting(orphan(live.clone()));
    let plan = wanted.plan(Some(&given_up), Cause::File);
    assert!(matches!(plan, Plan::Refuse(Refusal::Frozen)), "{plan:?}");
    wanted.written_uid = Some("live");
    assert!(matches!(wanted.plan(Some(&live), Cause::File), Plan::Replace { .. }));
}

#[test]
fn an_orphan_is_taken_up_where_whoever_may_write_it_says_so_and_not_before() {
    let wanted = Wanted::new(&[("a", "1")], Template::default());
    let live = orphan(wanted.made());
    let plan = wanted.plan(Some(&live), Cause::File);
    assert!(matches!(plan, Plan::Refuse(Refusal::Orphaned)), "{plan:?}");
    let plan = wanted.plan(Some(&accepting(live)), Cause::File);
    let Plan::Update { secret, .. } = plan else { panic!("{plan:?}") };
    let annotations = secret.metadata.annotations.unwrap();
    assert!(!annotations.contains_key("seal.dev/accepts"), "it was for this once");
}

#[test]
fn a_secret_that_this_very_object_made_gets_its_owner_back_unless_somebody_has_written_its_values()
{
    let mut wanted = Wanted::new(&[("a", "1")], Template::default());
    wanted.written_uid = Some("live");
    let mut live = orphan(wanted.made());
    let entries = live.metadata.managed_fields.as_mut().unwrap();
    entries.push(written_by("kubectl-label", "f:metadata"));
    assert!(matches!(wanted.plan(Some(&live), Cause::File), Plan::Update { .. }));
    for field in ["f:data", "f:type", "f:immutable"] {
        let mut edited = live.clone();
        let entries = edited.metadata.managed_fields.as_mut().unwrap();
        entries.push(written_by("kubectl\nedit", field));
        let Plan::Refuse(refusal) = wanted.plan(Some(&edited), Cause::File) else { panic!() };
        assert_eq!(refusal, Refusal::WrittenBy("kubectl\\nedit".into()));
        let plan = wanted.plan(Some(&accepting(edited)), Cause::File);
        assert!(matches!(plan, Plan::Update { .. }), "{plan:?}");
    }
    live.metadata.managed_fields = None;
    let plan = wanted.plan(Some(&live), Cause::File);
    assert!(matches!(plan, Plan::Refuse(Refusal::WrittenBy(_))), "nothing is known: {plan:?}");
}

/// With the consent of whoever may write it.
pub(super) fn accepting(mut live: Secret) -> Secret {
    let annotations = live.metadata.annotations.get_or_insert_default();
    annotations.insert("seal.dev/accepts".to_owned(), "adopt".to_owned());
    live
}

#[test]
fn a_secret_that_is_being_deleted_is_waited_for_and_its_finalizers_are_named() {
    let wanted = Wanted::new(&[("a", "2")], Template::default());
    let mut live = Wanted::new(&[("a", "1")], Template::default()).made();
    live.metadata.deletion_timestamp = Some(Time(Timestamp::now()));
    live.metadata.finalizers = Some(vec!["example.com/hold".into()]);
    let Plan::Wait(waiting) = wanted.plan(Some(&live), Cause::Drift) else { panic!() };
    assert_eq!(waiting, Waiting::Deleted { finalizers: vec!["example.com/hold".into()] });
}

#[test]
fn undoing_what_made_a_secret_immutable_is_a_repair() {
    let wanted = Wanted::new(&[("a", "1")], Template::default());
    let mut live = wanted.made();
    live.immutable = Some(true);
    assert!(wanted.plan(Some(&live), Cause::Drift).is_repair());
    assert!(!wanted.plan(Some(&live), Cause::File).is_repair());
}
