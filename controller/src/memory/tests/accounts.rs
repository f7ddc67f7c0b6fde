//! Whom a ServiceAccount wakes.

use super::*;

fn attaching() -> Memory {
    Memory::new(Grants { pull_secrets: true, ..Grants::default() })
}

fn names(memory: &Memory, accounts: &[&str]) {
    let mut sealed = sealed(&[]);
    sealed.spec.service_accounts = accounts.iter().map(|name| (*name).to_owned()).collect();
    sealed.metadata.generation = Some(i64::try_from(accounts.len()).unwrap());
    arrives(memory, sealed);
}

fn account(namespace: &str, name: &str, version: &str) -> ObjectMeta {
    ObjectMeta { namespace: Some(namespace.into()), ..secret(name, version) }
}

fn is_due(memory: &Memory) -> bool {
    memory.turn(&ObjectName::sealed_secret(&place())).unwrap().0.attaching.is_due()
}

#[test]
fn one_that_is_named_wakes_its_object_at_each_change_and_no_other_does() {
    let memory = attaching();
    names(&memory, &["builder"]);
    memory.update(&id(&memory), |it| it.attaching.done(0));
    assert!(!is_due(&memory));
    assert_eq!(memory.account(&account("prod", "other", "1")).len(), 0);
    assert_eq!(memory.account(&account("staging", "builder", "1")).len(), 0);
    assert!(!is_due(&memory));
    assert_eq!(memory.account(&account("prod", "builder", "1")).len(), 1);
    assert!(is_due(&memory));
    assert_eq!(
        memory.account(&account("prod", "builder", "1")).len(),
        0,
        "a list told of it again"
    );
    assert_eq!(memory.account_gone(&account("prod", "builder", "1")).len(), 1);
    names(&memory, &[]);
    assert_eq!(memory.account(&account("prod", "builder", "2")).len(), 0);
}

#[test]
fn without_the_flag_none_wakes_anybody() {
    let memory = memory();
    names(&memory, &["builder"]);
    assert_eq!(memory.account(&account("prod", "builder", "1")).len(), 0);
}

#[test]
fn a_change_meanwhile_is_not_taken_for_done() {
    let memory = attaching();
    names(&memory, &["builder"]);
    memory.account(&account("prod", "builder", "1"));
    memory.update(&id(&memory), |it| it.attaching.done(0));
    assert!(is_due(&memory));
}
