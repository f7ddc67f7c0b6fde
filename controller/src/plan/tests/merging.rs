//! A sealed object's keys in a Secret of others.

use super::*;

const OURS: &str = "seal-controller/uid-1";

/// A Secret of others with the key `theirs`, whose writer lets sealed files write into it.
fn shared() -> Secret {
    let metadata = ObjectMeta {
        namespace: Some("prod".into()),
        name: Some("db".into()),
        uid: Some("live".into()),
        resource_version: Some("7".into()),
        annotations: Some([("seal.dev/accepts".to_owned(), "merge".to_owned())].into()),
        managed_fields: Some(vec![owning("helm", &["theirs"])]),
        ..ObjectMeta::default()
    };
    let data = [("theirs".to_owned(), ByteString(b"0".to_vec()))];
    Secret { metadata, data: Some(data.into()), ..Secret::default() }
}

fn owning(manager: &str, keys: &[&str]) -> ManagedFieldsEntry {
    let fields: serde_json::Map<String, serde_json::Value> =
        keys.iter().map(|key| (format!("f:{key}"), serde_json::json!({}))).collect();
    ManagedFieldsEntry {
        manager: Some(manager.into()),
        fields_v1: Some(FieldsV1(serde_json::json!({"f:data": fields}))),
        ..ManagedFieldsEntry::default()
    }
}

fn merging(wanted: &Wanted, live: &Secret, cause: Cause) -> Plan {
    plan(Some(live), &wanted.desired(OnConflict::Merge), cause)
}

fn wanted(values: &[(&str, &str)]) -> Wanted {
    Wanted::new(values, Template::default())
}

/// As the API server has it once `plan` is carried out.
fn merged(mut live: Secret, plan: Plan) -> Secret {
    let Plan::Merge { secret, over, manager, .. } = plan else { panic!("{plan:?}") };
    assert_eq!((over, manager.as_str()), (version_7(), OURS));
    let applied = secret.data.unwrap();
    let keys: Vec<&str> = applied.keys().map(String::as_str).collect();
    let managed = live.metadata.managed_fields.as_mut().unwrap();
    managed.retain(|entry| entry.manager.as_deref() != Some(OURS));
    managed.push(owning(OURS, &keys));
    live.data.as_mut().unwrap().extend(applied);
    live.metadata.annotations.as_mut().unwrap().extend(secret.metadata.annotations.unwrap());
    live
}

fn problem(wanted: &Wanted, live: &Secret) -> Problem {
    match merging(wanted, live, Cause::File) {
        Plan::Refuse(Refusal::Merge(problem)) => problem,
        other => panic!("{other:?}"),
    }
}

#[test]
fn our_keys_alone_and_our_mark_are_applied_and_then_nothing() {
    let mut wanted = wanted(&[("a", "1")]);
    let plan = merging(&wanted, &shared(), Cause::File);
    let Plan::Merge { secret, event, .. } = &plan else { panic!("{plan:?}") };
    assert_eq!(event.reason, Reason::Applied);
    assert_eq!(secret.data.as_ref().unwrap().len(), 1);
    assert_eq!((&secret.type_, &secret.immutable, &secret.metadata.labels), (&None, &None, &None));
    let annotations = secret.metadata.annotations.as_ref().unwrap();
    let mark = r#"{"by":"SealedSecret/prod/db","generation":1}"#;
    assert_eq!(annotations.iter().next().unwrap(), (&"seal.dev/merged-uid-1".into(), &mark.into()));
    let live = merged(shared(), plan);
    assert!(matches!(merging(&wanted, &live, Cause::Drift), Plan::Leave(_)));
    // Whether a value is equal to the one before cannot be seen: the next generation is written in any case.
    wanted.generation = 2;
    assert!(matches!(merging(&wanted, &live, Cause::File), Plan::Merge { .. }));
}

#[test]
fn nothing_is_merged_without_consent_nor_made_where_there_is_nothing() {
    let wanted = wanted(&[("a", "1")]);
    let mut live = shared();
    for word in ["adopt", "", "Merge"] {
        let annotations = live.metadata.annotations.as_mut().unwrap();
        annotations.insert("seal.dev/accepts".into(), word.into());
        assert_eq!(problem(&wanted, &live), Problem::NoConsent(None), "{word}");
    }
    let none = plan(None, &wanted.desired(OnConflict::Merge), Cause::File);
    assert!(matches!(none, Plan::Wait(Waiting::Missing)));
}

#[test]
fn a_key_of_others_is_named_with_its_manager_whatever_its_value() {
    for value in ["0", "1"] {
        let wanted = wanted(&[("theirs", value)]);
        let named = Problem::Key { key: "theirs".into(), manager: "helm".into() };
        assert_eq!(problem(&wanted, &shared()), named);
        let mut unmanaged = shared();
        unmanaged.metadata.managed_fields = None;
        let unknown = Problem::Key { key: "theirs".into(), manager: "an unknown writer".into() };
        assert_eq!(problem(&wanted, &unmanaged), unknown);
    }
}

#[test]
fn only_our_own_status_of_this_very_secret_says_that_a_key_was_ours() {
    let mut wanted = wanted(&[("theirs", "1")]);
    wanted.merged_keys = vec!["theirs".into()];
    for uid in [None, Some(""), Some("another")] {
        wanted.written_uid = uid;
        assert!(matches!(problem(&wanted, &shared()), Problem::Key { .. }), "{uid:?}");
    }
    wanted.written_uid = Some("live");
    let plan = merging(&wanted, &shared(), Cause::Drift);
    assert!(plan.is_repair());
    assert_eq!(plan.contender(&shared()).as_deref(), Some("helm"));
    assert_eq!(plan.event().unwrap().message, "changed theirs; the mark of this sealed object");
}

#[test]
fn edits_of_the_others_ask_for_nothing_and_edits_of_ours_are_repaired() {
    let wanted = wanted(&[("a", "1")]);
    let mut live = merged(shared(), merging(&wanted, &shared(), Cause::File));
    live.data.as_mut().unwrap().insert("theirs".into(), ByteString(b"9".to_vec()));
    live.data.as_mut().unwrap().insert("more".into(), ByteString(b"9".to_vec()));
    assert!(matches!(merging(&wanted, &live, Cause::Drift), Plan::Leave(_)));
    live.data.as_mut().unwrap().remove("a");
    let plan = merging(&wanted, &live, Cause::Drift);
    assert!(plan.is_repair());
    assert_eq!(plan.event().unwrap().message, "added a");
}

#[test]
fn a_key_that_left_the_file_goes_and_with_another_choice_all_of_ours_do() {
    let live =
        merged(shared(), merging(&wanted(&[("a", "1"), ("b", "1")]), &shared(), Cause::File));
    let mut less = wanted(&[("a", "1")]);
    less.generation = 2;
    let Plan::Merge { secret, .. } = merging(&less, &live, Cause::File) else { panic!() };
    assert_eq!(secret.data.unwrap().len(), 1);
    for on_conflict in [OnConflict::Refuse, OnConflict::AdoptEmpty, OnConflict::Adopt] {
        let plan = plan(Some(&live), &less.desired(on_conflict), Cause::File);
        let Plan::Unmerge { secret, over, manager } = plan else { panic!("{plan:?}") };
        assert_eq!((secret.data, secret.metadata.annotations), (None, None));
        assert_eq!((over, manager.as_str()), (version_7(), OURS));
    }
}

#[test]
fn no_key_is_put_into_a_secret_of_another_type_an_immutable_one_or_that_of_a_sealed_object() {
    let retyped = Template { type_: Some("example.com/own".into()), ..Template::default() };
    assert_eq!(problem(&Wanted::new(&[("a", "1")], retyped), &shared()), Problem::Type);
    let wanted = wanted(&[("a", "1")]);
    let frozen = Secret { immutable: Some(true), ..shared() };
    assert_eq!(problem(&wanted, &frozen), Problem::Immutable);
    let mut sealed = shared();
    let mut other = Wanted::new(&[], Template::default());
    other.owner = owner(&Place::new("prod", "other").unwrap(), "uid-2");
    sealed.metadata.owner_references = other.made().metadata.owner_references;
    let owner = "SealedSecret.seal.dev other".to_owned();
    assert_eq!(problem(&wanted, &sealed), Problem::Sealed(owner));
}

#[test]
fn how_much_still_fits_tells_the_size_class_of_a_value_of_others_and_no_more() {
    let filled = |len: usize| {
        let mut live = shared();
        let large = ByteString(vec![b'x'; len]);
        live.data.as_mut().unwrap().insert("theirs".into(), large);
        live
    };
    let ours = "x".repeat(933_888);
    let wanted = wanted(&[("a", &ours)]);
    for len in [112_641, 113_000, 114_688] {
        assert!(matches!(merging(&wanted, &filled(len), Cause::File), Plan::Merge { .. }), "{len}");
    }
    for len in [114_689, 116_736] {
        assert_eq!(problem(&wanted, &filled(len)), Problem::TooLarge, "{len}");
    }
}

#[test]
fn a_file_with_more_keys_than_its_status_can_name_is_refused() {
    let names: Vec<String> = (0..65).map(|n| format!("k{n}")).collect();
    let values: Vec<(&str, &str)> = names.iter().map(|name| (name.as_str(), "1")).collect();
    assert_eq!(problem(&wanted(&values), &shared()), Problem::TooMany);
    assert!(matches!(merging(&wanted(&values[1..]), &shared(), Cause::File), Plan::Merge { .. }));
}
