//! Whom a Secret or a namespace wakes where objects of the cluster want some.

use std::collections::BTreeMap;

use k8s_openapi::apimachinery::pkg::apis::meta::v1::OwnerReference;
use seal_core::kind::cluster_sealed::NamespaceSelector;

use super::*;

fn cluster_object(name: &str, namespaces: &[&str]) -> SealedSecret {
    let mut sealed = named("unused", name);
    sealed.metadata.namespace = None;
    sealed.metadata.uid = Some(format!("uid-of-{name}"));
    sealed.spec.kind = Kind::ClusterSealedSecret;
    sealed.spec.scope.namespaces = namespaces.iter().map(|it| (*it).to_owned()).collect();
    sealed
}

fn chosen(name: &str, label: &str) -> SealedSecret {
    let mut sealed = cluster_object(name, &["*"]);
    let match_labels = BTreeMap::from([(label.to_owned(), "yes".to_owned())]);
    sealed.spec.namespace_selector =
        Some(NamespaceSelector { match_labels, ..NamespaceSelector::default() });
    sealed
}

fn namespace(name: &str, labels: &[&str]) -> ObjectMeta {
    let labels = labels.iter().map(|label| ((*label).to_owned(), "yes".to_owned()));
    ObjectMeta { name: Some(name.into()), labels: Some(labels.collect()), ..ObjectMeta::default() }
}

/// A memory that knows these namespaces.
fn with_namespaces(namespaces: &[ObjectMeta]) -> Memory {
    let memory = memory();
    memory.namespace_list_begins();
    for namespace in namespaces {
        assert!(memory.namespace(namespace).is_empty());
    }
    memory.namespace_list_ends();
    memory
}

fn at(namespace: &str, name: &str, owner: Option<(&str, &str)>) -> ObjectMeta {
    let owner = owner.map(|(name, uid)| OwnerReference {
        api_version: "seal.dev/v1".into(),
        kind: "ClusterSealedSecret".into(),
        name: name.into(),
        uid: uid.into(),
        controller: Some(true),
        block_owner_deletion: None,
    });
    ObjectMeta {
        namespace: Some(namespace.into()),
        owner_references: owner.map(|owner| vec![owner]),
        ..secret(name, "7")
    }
}

fn names(woken: &[Arc<ObjectName>]) -> Vec<String> {
    woken.iter().map(|name| format!("{} {name}", name.kind.as_str())).collect()
}

#[test]
fn a_secret_wakes_the_objects_of_both_kinds_that_want_it() {
    let memory = with_namespaces(&[namespace("prod", &[])]);
    arrives(&memory, named("prod", "db"));
    arrives(&memory, cluster_object("db", &["prod", "test"]));
    arrives(&memory, cluster_object("other", &["prod"]));
    let woken = memory.secret(&EVERYWHERE, &at("prod", "db", None));
    assert_eq!(names(&woken), ["SealedSecret prod/db", "ClusterSealedSecret db"]);
    let gone = memory.secret_gone(&EVERYWHERE, &at("test", "db", None));
    assert_eq!(names(&gone), ["ClusterSealedSecret db"]);
    assert!(memory.secret(&EVERYWHERE, &at("elsewhere", "db", None)).is_empty());
}

#[test]
fn a_label_wakes_whom_it_concerns_and_nobody_else() {
    let memory = with_namespaces(&[namespace("a", &["x"]), namespace("b", &[])]);
    arrives(&memory, chosen("by-x", "x"));
    arrives(&memory, chosen("by-y", "y"));
    arrives(&memory, cluster_object("listed", &["a"]));
    assert_eq!(names(&memory.namespace(&namespace("b", &["x"]))), ["ClusterSealedSecret by-x"]);
    let both = memory.namespace(&namespace("a", &["y"]));
    assert_eq!(
        names(&both),
        ["ClusterSealedSecret by-x", "ClusterSealedSecret by-y", "ClusterSealedSecret listed"]
    );
    assert_eq!(names(&memory.namespace_gone(&namespace("b", &[]))), ["ClusterSealedSecret by-x"]);
}

#[test]
fn a_copy_where_none_is_wanted_is_found_and_a_secret_that_only_says_so_is_not() {
    let memory = with_namespaces(&[namespace("a", &[]), namespace("b", &[])]);
    let ours = ("db", "uid-of-db");
    // Before the object is known, as at a start.
    memory.secret(&EVERYWHERE, &at("b", "db", Some(ours)));
    arrives(&memory, cluster_object("db", &["a"]));
    let (id, wants) = {
        let name = ObjectName::cluster_sealed_secret(&Place::new("a", "db").unwrap());
        let (tracked, _) = memory.turn(&name).unwrap();
        (tracked.id, tracked.wants)
    };
    let places = |memory: &Memory| -> Vec<String> {
        memory.strays(&id, &wants).iter().map(ToString::to_string).collect()
    };
    assert_eq!(places(&memory), ["b/db"]);
    for other in [at("b", "other-name", Some(ours)), at("b", "db", Some(("db", "another-uid")))] {
        memory.secret(&EVERYWHERE, &other);
    }
    assert!(places(&memory).is_empty(), "of another owner now");
    memory.secret(&EVERYWHERE, &at("b", "db", Some(ours)));
    memory.secret(&EVERYWHERE, &at("a", "db", Some(ours)));
    assert_eq!(places(&memory), ["b/db"], "where it is wanted it stays");
    memory.secret_list_begins(&EVERYWHERE);
    memory.secret_list_ends(&EVERYWHERE);
    assert!(places(&memory).is_empty(), "gone while nobody looked");
}

#[test]
fn until_the_namespaces_are_known_nothing_is_wanted_and_nothing_is_too_much() {
    let memory = memory();
    memory.secret(&EVERYWHERE, &at("b", "db", Some(("db", "uid-of-db"))));
    arrives(&memory, chosen("db", "x"));
    let name = ObjectName::cluster_sealed_secret(&Place::new("a", "db").unwrap());
    let (tracked, _) = memory.turn(&name).unwrap();
    assert!(memory.places(&tracked.id, &tracked.wants).is_none());
    assert!(memory.strays(&tracked.id, &tracked.wants).is_empty());
}
