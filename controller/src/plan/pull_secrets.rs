//! Decides what becomes of the imagePullSecrets of a ServiceAccount: ours is appended, and only what was appended is taken
//! out again. Pure.
//!
//! The list is everybody's and is replaced as a whole, so a change carries all of it and the version it was read at. Which
//! entries are ours stands in an annotation beside it, written in the same request: an entry that was there before, or
//! that somebody made by hand, is in no such annotation and is left alone.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use super::Version;

/// Most imagePullSecrets of sealed objects in one ServiceAccount: the kubelet reads all of them for each pod.
const MOST: usize = 32;

/// What of a ServiceAccount matters here.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Account {
    pub namespace: String,
    pub name: String,
    /// `imagePullSecrets`, each as it is.
    pub entries: Vec<Value>,
    /// The annotation: names of Secrets that were appended, and the uid of the sealed object each is from.
    pub ours: BTreeMap<String, String>,
    pub version: Version,
}

/// What is to be done with a ServiceAccount.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Attachment {
    /// Nothing.
    Leave,
    /// Nothing can be: as many as may be are there from other sealed objects.
    Full,
    /// Another list and annotation, over that version.
    Change {
        entries: Vec<Value>,
        ours: BTreeMap<String, String>,
        over: Version,
        /// Whether it undoes what somebody else did.
        is_repair: bool,
    },
}

impl Account {
    fn has(&self, secret: &str) -> bool {
        self.entries.iter().any(|entry| entry["name"] == secret)
    }

    /// The Secret `secret`, made from the sealed object with this uid, is to be listed.
    pub(crate) fn attach(&self, secret: &str, uid: &str) -> Attachment {
        let marked = self.ours.get(secret);
        let is_there = self.has(secret);
        if is_there && marked.is_none_or(|of| of == uid) {
            return Attachment::Leave;
        }
        if marked.is_none() && self.ours.len() >= MOST {
            return Attachment::Full;
        }
        let mut entries = self.entries.clone();
        if !is_there {
            entries.push(json!({"name": secret}));
        }
        let mut ours = self.ours.clone();
        ours.insert(secret.to_owned(), uid.to_owned());
        let is_repair = marked.is_some_and(|of| of == uid);
        Attachment::Change { entries, ours, over: self.version.clone(), is_repair }
    }

    /// Whatever was appended from the sealed object with this uid is to go, but what `keep` names.
    pub(crate) fn detach(&self, uid: &str, keep: Option<&str>) -> Attachment {
        let goes = |secret: &str| {
            self.ours.get(secret).is_some_and(|of| of == uid) && Some(secret) != keep
        };
        if !self.ours.keys().any(|secret| goes(secret)) {
            return Attachment::Leave;
        }
        let mut entries = self.entries.clone();
        for secret in self.ours.keys().filter(|secret| goes(secret)) {
            // The last one: what was appended.
            let at = entries.iter().rposition(|entry| entry["name"] == secret.as_str());
            at.map(|at| entries.remove(at));
        }
        let mut ours = self.ours.clone();
        ours.retain(|secret, _| !goes(secret));
        Attachment::Change { entries, ours, over: self.version.clone(), is_repair: false }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn account(entries: &[&str], ours: &[(&str, &str)]) -> Account {
        let ours = ours.iter().map(|(name, uid)| ((*name).to_owned(), (*uid).to_owned()));
        Account {
            namespace: "prod".into(),
            name: "default".into(),
            entries: entries.iter().map(|name| json!({"name": name})).collect(),
            ours: ours.collect(),
            version: Version { uid: Some("sa".into()), resource_version: Some("7".into()) },
        }
    }

    /// The account as it is after a change.
    fn changed(account: &Account, attachment: Attachment) -> (Account, bool) {
        let Attachment::Change { entries, ours, over, is_repair } = attachment else {
            panic!("{attachment:?}")
        };
        assert_eq!(over, account.version);
        (Account { entries, ours, ..account.clone() }, is_repair)
    }

    #[test]
    fn ours_is_appended_and_taken_out_and_no_entry_of_others_is_lost() {
        let before = account(&["theirs"], &[]);
        let (after, is_repair) = changed(&before, before.attach("reg", "1"));
        assert_eq!(after, account(&["theirs", "reg"], &[("reg", "1")]));
        assert!(!is_repair);
        assert_eq!(after.attach("reg", "1"), Attachment::Leave);
        assert_eq!(after.detach("1", Some("reg")), Attachment::Leave);
        assert_eq!(after.detach("2", None), Attachment::Leave);
        assert_eq!(changed(&after, after.detach("1", None)).0, before);
    }

    #[test]
    fn an_entry_that_was_there_before_stays_when_the_object_goes() {
        let before = account(&["reg", "theirs"], &[]);
        assert_eq!(before.attach("reg", "1"), Attachment::Leave);
        assert_eq!(before.detach("1", None), Attachment::Leave);
    }

    #[test]
    fn what_somebody_drops_is_put_back_as_a_repair() {
        let dropped = account(&["theirs"], &[("reg", "1")]);
        let (after, is_repair) = changed(&dropped, dropped.attach("reg", "1"));
        assert_eq!(after, account(&["theirs", "reg"], &[("reg", "1")]));
        assert!(is_repair);
    }

    #[test]
    fn an_object_made_again_takes_over_what_the_one_before_appended() {
        let before = account(&["reg"], &[("reg", "1")]);
        let (after, is_repair) = changed(&before, before.attach("reg", "2"));
        assert_eq!(after, account(&["reg"], &[("reg", "2")]));
        assert!(!is_repair);
        assert_eq!(after.detach("1", None), Attachment::Leave);
    }

    #[test]
    fn no_pod_has_to_read_more_of_sealed_objects_than_so_many() {
        let mut full = account(&["theirs"], &[]);
        full.ours = (0..MOST).map(|n| (format!("reg{n}"), "2".to_owned())).collect();
        assert_eq!(full.attach("one-more", "1"), Attachment::Full);
        assert!(matches!(full.attach("reg0", "2"), Attachment::Change { is_repair: true, .. }));
        full.ours.remove("reg0");
        assert!(matches!(full.attach("one-more", "1"), Attachment::Change { .. }));
    }

    #[test]
    fn fields_of_an_entry_that_this_version_does_not_know_stay() {
        let mut before = account(&[], &[]);
        before.entries = vec![json!({"name": "theirs", "later": 1})];
        let (after, _) = changed(&before, before.attach("reg", "1"));
        assert_eq!(after.entries[0], json!({"name": "theirs", "later": 1}));
    }
}
