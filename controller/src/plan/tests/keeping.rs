//! A live Secret that is to stay when its sealed object goes.

use super::*;

/// The live Secret once its object was annotated.
fn kept() -> (Wanted, Secret) {
    let mut wanted = Wanted::new(&[("a", "1")], Template::default());
    let live = wanted.made();
    wanted.keep = true;
    let Plan::Update { secret, event, .. } = wanted.plan(Some(&live), Cause::Drift) else {
        panic!()
    };
    assert_eq!(event.reason, Reason::Released);
    wanted.was_kept = true;
    wanted.written_uid = Some("live");
    let mut kept = *secret;
    kept.metadata.managed_fields = live.metadata.managed_fields;
    (wanted, kept)
}

#[test]
fn what_is_kept_has_no_owner_and_is_left_as_it_is() {
    let (wanted, live) = kept();
    assert_eq!(live.metadata.owner_references, Some(vec![]));
    assert!(matches!(wanted.plan(Some(&live), Cause::Drift), Plan::Leave(_)));
}

#[test]
fn what_is_kept_is_repaired_and_made_anew_as_any_other() {
    let (mut wanted, mut live) = kept();
    live.data.as_mut().unwrap().insert("a".into(), ByteString(b"2".to_vec()));
    live.metadata.managed_fields.as_mut().unwrap().push(written_by("kubectl-edit", "f:data"));
    let plan = wanted.plan(Some(&live), Cause::Drift);
    assert!(plan.is_repair(), "{plan:?}");
    wanted.opened.template.immutable = Some(true);
    live.immutable = Some(true);
    assert!(matches!(wanted.plan(Some(&live), Cause::Drift), Plan::Replace { .. }));
}

#[test]
fn without_the_annotation_it_has_its_owner_again() {
    let (mut wanted, live) = kept();
    wanted.keep = false;
    let plan = wanted.plan(Some(&live), Cause::Drift);
    assert!(!plan.is_repair());
    let Plan::Update { secret, event, .. } = plan else { panic!() };
    assert_eq!(secret.metadata.owner_references.unwrap()[0].uid, "uid-1");
    assert_eq!(event.message, "the live Secret goes with this object again");
}

#[test]
fn what_was_kept_is_taken_up_again_with_the_word_of_whoever_may_write_it_and_not_before() {
    let (mut wanted, live) = kept();
    wanted.owner.uid = "uid-2".into();
    (wanted.keep, wanted.was_kept, wanted.written_uid) = (false, false, None);
    for keep in [false, true] {
        wanted.keep = keep;
        let plan = wanted.plan(Some(&live), Cause::File);
        assert!(matches!(plan, Plan::Refuse(Refusal::Orphaned)), "{plan:?}");
        let consenting = whose::accepting(live.clone());
        let Plan::Update { secret, .. } = wanted.plan(Some(&consenting), Cause::File) else {
            panic!()
        };
        assert!(!secret.metadata.annotations.unwrap().contains_key("seal.dev/accepts"));
    }
}

#[test]
fn a_word_given_in_advance_stays_until_it_is_used() {
    let (wanted, live) = kept();
    let consenting = whose::accepting(live);
    assert!(matches!(wanted.plan(Some(&consenting), Cause::Drift), Plan::Leave(_)));
}
