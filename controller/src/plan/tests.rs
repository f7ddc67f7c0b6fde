//! The rules of [`super::plan`] without an API server.

mod keeping;
mod merging;
mod taking_over;
mod whose;

use std::sync::Arc;

use k8s_openapi::ByteString;
use k8s_openapi::api::core::v1::Secret;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::{
    FieldsV1, ManagedFieldsEntry, OwnerReference, Time,
};
use k8s_openapi::jiff::Timestamp;
use seal_core::kind::sealed::{Template, TemplateMetadata};
use seal_core::open::Opened;
use seal_core::place::Place;
use seal_core::secret::SecretValue;

use super::*;
use crate::object_id::{ObjectId, ObjectName};

/// All that a plan is made over.
struct Wanted {
    opened: Opened,
    place: Place,
    owner: ObjectId,
    generation: i64,
    written_uid: Option<&'static str>,
    merged_keys: Vec<String>,
    keep: bool,
    was_kept: bool,
}

impl Wanted {
    fn new(values: &[(&str, &str)], template: Template) -> Self {
        let place = Place::new("prod", "db").unwrap();
        let values = values
            .iter()
            .map(|(key, value)| ((*key).to_owned(), SecretValue::from(value.as_bytes())))
            .collect();
        let opened =
            Opened { place: place.clone(), template, values, opened_with: Default::default() };
        let owner = owner(&place, "uid-1");
        Self {
            opened,
            place,
            owner,
            generation: 1,
            written_uid: None,
            merged_keys: vec![],
            keep: false,
            was_kept: false,
        }
    }

    fn plan(&self, live: Option<&Secret>, cause: Cause) -> Plan {
        plan(live, &self.desired(OnConflict::Refuse), cause)
    }

    fn desired(&self, on_conflict: OnConflict) -> Desired<'_> {
        Desired {
            opened: &self.opened,
            place: &self.place,
            owner: &self.owner,
            generation: self.generation,
            written_uid: self.written_uid,
            merged_keys: &self.merged_keys,
            on_conflict,
            keep: self.keep,
            was_kept: self.was_kept,
        }
    }

    /// The live Secret as the API server keeps it.
    fn made(&self) -> Secret {
        let Plan::Create { secret, .. } = self.plan(None, Cause::File) else { panic!() };
        let mut live = *secret;
        live.metadata.uid = Some("live".into());
        live.metadata.resource_version = Some("7".into());
        live.metadata.managed_fields = Some(vec![written_by("seal-controller", "f:data")]);
        live
    }
}

/// An entry of `managedFields`.
fn written_by(manager: &str, field: &str) -> ManagedFieldsEntry {
    ManagedFieldsEntry {
        manager: Some(manager.into()),
        fields_v1: Some(FieldsV1(serde_json::json!({field: {}}))),
        ..ManagedFieldsEntry::default()
    }
}

/// As `kubectl delete --cascade=orphan` leaves a live Secret.
fn orphan(mut live: Secret) -> Secret {
    live.metadata.owner_references = None;
    live
}

fn owner(place: &Place, uid: &str) -> ObjectId {
    ObjectId { at: Arc::new(ObjectName::sealed_secret(place)), uid: uid.into() }
}

fn labelled(labels: &[(&str, &str)]) -> Wanted {
    let labels = labels.iter().map(|(k, v)| ((*k).to_owned(), (*v).to_owned())).collect();
    let metadata = TemplateMetadata { labels, ..TemplateMetadata::default() };
    Wanted::new(&[("a", "1")], Template { metadata, ..Template::default() })
}

fn version_7() -> Version {
    Version { uid: Some("live".into()), resource_version: Some("7".into()) }
}

#[test]
fn what_we_made_is_left_and_what_differs_is_updated_by_name() {
    let wanted = Wanted::new(&[("a", "1"), ("b", "1")], Template::default());
    let mut live = wanted.made();
    let Plan::Leave(metadata) = wanted.plan(Some(&live), Cause::File) else { panic!() };
    assert_eq!(*metadata, live.metadata);
    let data = live.data.as_mut().unwrap();
    data.insert("a".into(), ByteString(b"2".to_vec()));
    data.remove("b");
    data.insert("c".into(), ByteString(vec![]));
    for (cause, reason, sentence) in [
        (Cause::File, Reason::Applied, "generation 1 of the file was written"),
        (Cause::Drift, Reason::Repaired, "added b; changed a; removed c"),
    ] {
        let plan = wanted.plan(Some(&live), cause);
        assert_eq!(plan.is_repair(), cause == Cause::Drift);
        let Plan::Update { secret, over, event } = plan else { panic!() };
        assert_eq!(event, Outcome::new(reason, sentence));
        assert_eq!((over, &secret.data), (version_7(), &wanted.made().data));
    }
}

#[test]
fn what_is_not_there_is_made_and_only_its_loss_is_told() {
    let wanted = Wanted::new(&[("a", "1")], Template::default());
    let first = wanted.plan(None, Cause::File);
    assert!(matches!(first, Plan::Create { event: None, .. }) && !first.is_repair());
    let lost = wanted.plan(None, Cause::Drift);
    assert!(matches!(lost, Plan::Create { .. }) && lost.is_repair());
}

#[test]
fn an_immutable_secret_is_replaced_when_it_must_change_and_a_retyped_one_always() {
    let frozen = Template { immutable: Some(true), ..Template::default() };
    let live = Wanted::new(&[("a", "1")], frozen.clone()).made();
    let same = Wanted::new(&[("a", "1")], frozen.clone());
    assert!(matches!(same.plan(Some(&live), Cause::File), Plan::Leave(_)));
    let retyped = Template { type_: Some("example.com/own".into()), ..frozen.clone() };
    for wanted in [
        Wanted::new(&[("a", "2")], frozen),
        Wanted::new(&[("a", "1")], Template::default()),
        Wanted::new(&[("a", "1")], retyped),
    ] {
        let Plan::Replace { secret, over, event, .. } = wanted.plan(Some(&live), Cause::File)
        else {
            panic!()
        };
        assert_eq!((over, event.reason), (version_7(), Reason::Replaced));
        assert_eq!((secret.metadata.uid, secret.metadata.resource_version), (None, None));
    }
}

#[test]
fn labels_we_set_before_go_and_those_of_others_stay() {
    let mut live = labelled(&[("ours", "1"), ("both", "1")]).made();
    live.metadata.labels.as_mut().unwrap().insert("theirs".into(), "1".into());
    let Plan::Update { secret, .. } = labelled(&[("both", "2")]).plan(Some(&live), Cause::File)
    else {
        panic!()
    };
    let labels = secret.metadata.labels.unwrap();
    assert_eq!(
        labels.into_iter().collect::<Vec<_>>(),
        [("both".into(), "2".into()), ("theirs".into(), "1".into())]
    );
}

#[test]
fn the_old_uid_is_still_ours_and_is_replaced_by_the_new_one() {
    let mut wanted = Wanted::new(&[("a", "1")], Template::default());
    let live = wanted.made();
    wanted.owner.uid = "uid-2".into();
    let Plan::Update { secret, .. } = wanted.plan(Some(&live), Cause::File) else { panic!() };
    let owners = secret.metadata.owner_references.unwrap();
    assert_eq!((owners.len(), owners[0].uid.as_str()), (1, "uid-2"));
}

#[test]
fn an_annotation_that_names_another_place_makes_nothing_ours() {
    let mut wanted = Wanted::new(&[("a", "1")], Template::default());
    let mut live = wanted.made();
    live = orphan(live);
    wanted.owner = owner(&Place::new("staging", "db").unwrap(), "uid-1");
    let plan = wanted.plan(Some(&live), Cause::File);
    assert!(matches!(plan, Plan::Refuse(Refusal::NotOurs(None))));
}

#[test]
fn a_secret_of_a_reserved_type_is_refused_even_if_it_says_that_it_is_ours() {
    let wanted = Wanted::new(&[("a", "1")], Template::default());
    let mut live = wanted.made();
    live.type_ = Some("helm.sh/release.v1".into());
    let plan = wanted.plan(Some(&live), Cause::Drift);
    assert!(matches!(plan, Plan::Refuse(Refusal::Reserved(_))));
}

#[test]
fn what_is_printed_of_a_plan_has_no_value_in_it() {
    let wanted = Wanted::new(&[("a", "canary")], Template::default());
    let mut live = wanted.made();
    live.data.as_mut().unwrap().insert("a".into(), ByteString(b"canary-2".to_vec()));
    let desired = wanted.desired(OnConflict::Refuse);
    let plans = [wanted.plan(None, Cause::File), wanted.plan(Some(&live), Cause::Drift)];
    assert!(!format!("{desired:?}{plans:?}").contains("canary"));
}
