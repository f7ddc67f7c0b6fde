//! What `spec.onConflict` may take over, and from whom.

use super::*;

fn owned_by_an_app(mut live: Secret) -> Secret {
    live.metadata.annotations = None;
    live.metadata.owner_references = Some(vec![OwnerReference {
        api_version: "apps/v1".into(),
        kind: "Deployment".into(),
        name: "app".into(),
        uid: "0000".into(),
        controller: Some(true),
        block_owner_deletion: None,
    }]);
    live
}

fn planned(wanted: &Wanted, live: &Secret, word: &str) -> Plan {
    let on_conflict = OnConflict::parse(Some(word));
    assert_eq!(format!("{on_conflict:?}"), word);
    plan(Some(live), &wanted.desired(on_conflict), Cause::File)
}

fn refused(wanted: &Wanted, live: &Secret, word: &str) -> Refusal {
    match planned(wanted, live, word) {
        Plan::Refuse(refusal) => refusal,
        other => panic!("{other:?}"),
    }
}

#[test]
fn another_controller_s_secret_is_taken_over_with_its_writer_s_consent_and_by_adopt_alone() {
    let wanted = Wanted::new(&[("a", "1")], Template::default());
    let live = owned_by_an_app(wanted.made());
    let app = Some("Deployment.apps app".to_owned());
    assert_eq!(refused(&wanted, &live, "Refuse"), Refusal::NotOurs(app.clone()));
    assert_eq!(refused(&wanted, &live, "AdoptEmpty"), Refusal::NotOurs(app.clone()));
    assert_eq!(refused(&wanted, &live, "Adopt"), Refusal::NeedsConsent(app.clone()));
    assert_eq!(refused(&wanted, &live, "Merge"), Problem::NoConsent(app.clone()).into());
    let consenting = whose::accepting(live);
    assert_eq!(refused(&wanted, &consenting, "Refuse"), Refusal::NotOurs(app));
    let Plan::Update { secret, event, .. } = planned(&wanted, &consenting, "Adopt") else {
        panic!()
    };
    assert_eq!(event.reason, Reason::Adopted);
    let owners = secret.metadata.owner_references.unwrap();
    assert_eq!((owners.len(), owners[0].kind.as_str()), (1, "SealedSecret"));
    assert!(!secret.metadata.annotations.unwrap().contains_key("seal.dev/accepts"));
}

#[test]
fn a_secret_that_could_only_be_deleted_and_made_again_is_not_taken_over() {
    let wanted = Wanted::new(&[("a", "1")], Template::default());
    let mut live = whose::accepting(owned_by_an_app(wanted.made()));
    live.immutable = Some(true);
    assert_eq!(refused(&wanted, &live, "Adopt"), Refusal::Frozen);
    live.immutable = None;
    live.type_ = Some("example.com/own".into());
    assert_eq!(refused(&wanted, &live, "Adopt"), Refusal::Frozen);
}

#[test]
fn a_placeholder_is_taken_over_where_it_has_nothing_in_it_and_every_label() {
    let wanted = labelled(&[("direktiv.io/namespace", "team")]);
    let mut live = wanted.made();
    live.metadata.annotations = None;
    live.metadata.owner_references = None;
    live.data = Some([("secret".to_owned(), ByteString(vec![]))].into());
    let Plan::Update { event, .. } = planned(&wanted, &live, "AdoptEmpty") else { panic!() };
    assert_eq!(event.reason, Reason::Adopted);
    for spoil in [
        (|live| live.data = Some([("secret".to_owned(), ByteString(b"x".to_vec()))].into()))
            as fn(&mut Secret),
        |live| live.data = None,
        |live| live.metadata.labels = None,
        |live| live.metadata.labels.as_mut().unwrap().values_mut().for_each(|it| it.push('x')),
        |live| live.type_ = Some("example.com/own".into()),
    ] {
        let mut other = live.clone();
        spoil(&mut other);
        assert_eq!(refused(&wanted, &other, "AdoptEmpty"), Refusal::NoPlaceholder);
    }
    let unlabelled = Wanted::new(&[("secret", "1")], Template::default());
    live.metadata.labels = None;
    assert_eq!(
        refused(&unlabelled, &live, "AdoptEmpty"),
        Refusal::NoPlaceholder,
        "no label, no sign"
    );
}
