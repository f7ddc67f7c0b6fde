//! The rules of [`super::plan`] without an API server.

use k8s_openapi::api::core::v1::Secret;
use seal_core::kind::sealed::{Template, TemplateMetadata};
use seal_core::secret::SecretValue;

use super::*;

fn desired(values: &[(&str, &str)], template: Template) -> Desired {
    let place = Place::new("prod", "db").unwrap();
    let value =
        |(key, value): &(&str, &str)| ((*key).to_owned(), SecretValue::from(value.as_bytes()));
    let values = values.iter().map(value).collect();
    Desired::new(Opened { place, template, values, opened_with: Default::default() }, "uid-1")
}

fn made(desired: &Desired) -> Secret {
    match plan(None, desired) {
        Plan::Create(secret) => *secret,
        other => panic!("{other:?}"),
    }
}

#[test]
fn what_we_made_is_left_and_what_differs_is_updated_by_name() {
    let wanted = desired(&[("a", "1"), ("b", "1")], Template::default());
    let mut live = made(&wanted);
    assert!(matches!(plan(Some(&live), &wanted), Plan::Leave));
    let data = live.data.as_mut().unwrap();
    data.insert("a".into(), ByteString(b"2".to_vec()));
    data.remove("b");
    data.insert("c".into(), ByteString(vec![]));
    let Plan::Update(secret, changes) = plan(Some(&live), &wanted) else { panic!() };
    assert_eq!(changes.sentence(), "added b; changed a; removed c");
    assert_eq!(secret.data, made(&wanted).data);
}

#[test]
fn labels_we_set_before_go_and_those_of_others_stay() {
    let with = |labels: &[(&str, &str)]| {
        let labels = labels.iter().map(|(k, v)| ((*k).to_owned(), (*v).to_owned())).collect();
        let metadata = TemplateMetadata { labels, ..TemplateMetadata::default() };
        desired(&[("a", "1")], Template { metadata, ..Template::default() })
    };
    let mut live = made(&with(&[("ours", "1"), ("both", "1")]));
    live.metadata.labels.as_mut().unwrap().insert("theirs".into(), "1".into());
    let Plan::Update(secret, _) = plan(Some(&live), &with(&[("both", "2")])) else { panic!() };
    let labels = secret.metadata.labels.unwrap();
    assert_eq!(
        labels.into_iter().collect::<Vec<_>>(),
        [("both".into(), "2".into()), ("theirs".into(), "1".into())]
    );
}

#[test]
fn the_old_uid_is_still_ours_and_is_replaced_by_the_new_one() {
    let live = made(&desired(&[("a", "1")], Template::default()));
    let again = Desired::new(desired(&[("a", "1")], Template::default()).opened, "uid-2");
    let Plan::Update(secret, _) = plan(Some(&live), &again) else { panic!() };
    let owners = secret.metadata.owner_references.unwrap();
    assert_eq!((owners.len(), owners[0].uid.as_str()), (1, "uid-2"));
}

#[test]
fn an_annotation_that_names_another_place_makes_nothing_ours() {
    let mut live = made(&desired(&[("a", "1")], Template::default()));
    live.metadata.owner_references = None;
    let elsewhere = Place::new("staging", "db").unwrap();
    let mut moved = desired(&[("a", "1")], Template::default());
    moved.opened.place = elsewhere;
    assert!(matches!(plan(Some(&live), &moved), Plan::Refuse(Refusal::NotOurs(None))));
}

#[test]
fn what_is_printed_of_a_desired_secret_has_no_value_in_it() {
    let wanted = desired(&[("a", "canary")], Template::default());
    let plan = plan(None, &wanted);
    assert!(!format!("{wanted:?}{plan:?}").contains("canary"));
}
