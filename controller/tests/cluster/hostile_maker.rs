//! The objects of `hostile_objects`: large, odd, or both.

use std::collections::BTreeMap;

use k8s_openapi::apimachinery::pkg::apis::meta::v1::OwnerReference;
use seal_core::key::{Identity, Recipient};
use seal_core::kind::sealed::{
    Block, MAX_OWN_HEADERS, MAX_PLAINTEXT_BYTES, MAX_VALUES, SealedSecret, Template,
};
use seal_core::place::{Place, Scope};
use seal_core::reason::Reason;
use seal_core::seal::seal_blocks;
use seal_core::secret::SecretValue;
use seal_testing::Namespace;
use serde_json::json;

use crate::support::{CANARY, map, seal_for};

/// Classical stanzas of a header that 256 blocks each have one like: with one more in each, etcd takes it no more.
const STANZAS_EACH: usize = 54;
/// Blocks each under a header of 64 post-quantum stanzas: likewise.
const HYBRID_HEADERS: usize = 15;
const MAX_STANZAS: usize = 64;
const DOCKER: &str = "kubernetes.io/dockerconfigjson";
/// Steers a terminal, forges a line, turns the direction, is not seen.
pub(crate) const ODD: &str =
    "\u{1b}[2J\r\nall is well\u{0}\u{7f}\u{9b}\u{202e}\u{2066}\u{200b}\u{feff}\u{2028}";

/// Where the objects are made, and for whom.
pub(crate) struct Maker<'a> {
    pub(crate) ns: &'a Namespace,
    pub(crate) hybrid: &'a Identity,
    pub(crate) classic: &'a Identity,
}

impl Maker<'_> {
    fn seal(&self, name: &str, values: &[(&str, &str)]) -> SealedSecret {
        let place = Place::new(&self.ns.name, name).unwrap();
        seal_for(&recipient(self.hybrid), &place, Scope::of(&place), values)
    }

    /// One with a value, and something else about it.
    fn but(&self, name: &str, change: impl FnOnce(&mut SealedSecret)) -> SealedSecret {
        let mut sealed = self.seal(name, &[("k", CANARY)]);
        change(&mut sealed);
        sealed
    }

    fn templated(&self, name: &str, change: impl FnOnce(&mut Template)) -> SealedSecret {
        self.but(name, |it| change(it.spec.template.get_or_insert_default()))
    }

    fn keys(&self, name: &str, keys: &[&str]) -> SealedSecret {
        self.but(name, |it| {
            let block = it.spec.values["k"].clone();
            it.spec.values.extend(keys.iter().map(|key| ((*key).to_owned(), block.clone())));
        })
    }

    /// So many values, each under a header of its own of so many stanzas, of which the last is for us.
    fn headers(&self, name: &str, count: usize, stanzas: usize, ours: &Identity) -> SealedSecret {
        let is_classic = recipient(ours).is_classic();
        let other =
            |_| if is_classic { Identity::generate_classic() } else { Identity::generate() };
        let others: Vec<Identity> = (1..stanzas).map(other).collect();
        let all: Vec<Recipient> = others.iter().chain([ours]).map(recipient).collect();
        let values = (0..count).map(|n| (format!("k{n}"), SecretValue::from(b"x".as_slice())));
        self.but(name, |it| {
            let blocks = seal_blocks(&values.collect(), &it.spec.scope, &all).unwrap();
            let hint = || vec![ours.fingerprint().to_string()];
            let hinted = |(key, block)| (key, Block { sealed_to: hint(), ..block });
            it.spec.values = blocks.into_iter().map(hinted).collect();
            (it.spec.header, it.spec.sealed_to) = (None, vec![]);
        })
    }

    /// What the API server admits, and how each ends.
    pub(crate) fn admitted(&self) -> Vec<(SealedSecret, Reason)> {
        let mut all = self.large();
        all.extend(self.odd());
        let keys = ["", ".", "..", "../k", "a/b", &odd(253), &"k".repeat(254), &odd(1 << 18)]
            .map(|key| key.to_owned());
        let keys = keys.iter().enumerate().map(|(n, key)| self.keys(&format!("key-{n}"), &[key]));
        all.extend(keys.map(|sealed| (sealed, Reason::Malformed)));
        all
    }

    fn large(&self) -> Vec<(SealedSecret, Reason)> {
        let many: Vec<String> = (0..MAX_VALUES).map(|n| format!("k{n}")).collect();
        let many: Vec<(&str, &str)> = many.iter().map(|key| (key.as_str(), CANARY)).collect();
        let payload = "x".repeat(MAX_PLAINTEXT_BYTES);
        let all = vec![
            self.seal("values", &many),
            self.headers("headers", MAX_OWN_HEADERS, STANZAS_EACH, self.classic),
            self.headers("hybrid", HYBRID_HEADERS, MAX_STANZAS, self.hybrid),
            self.seal("payload", &[("k", &payload)]),
            self.but("annotated", annotate),
            self.but("owned", own),
            self.seal("key", &[(&"k".repeat(253), CANARY)]),
            self.templated("clear", |it| {
                it.string_data.insert("c".into(), odd(1 << 17));
            }),
        ];
        all.into_iter().map(|sealed| (sealed, Reason::Applied)).collect()
    }

    fn odd(&self) -> Vec<(SealedSecret, Reason)> {
        let mut accounts = self.templated("accounts", |it| it.type_ = Some(DOCKER.into()));
        accounts.spec.service_accounts = vec![odd(253)];
        let block =
            |it: &mut SealedSecret| it.spec.values.get_mut("k").unwrap().payload = odd(1 << 17);
        vec![
            (self.keys("other-key", &[&"k".repeat(253)]), Reason::NotSealedForThis),
            (self.but("scope", widen), Reason::WrongPlace),
            (self.but("hints", |it| it.spec.sealed_to = vec![odd(71); 64]), Reason::Malformed),
            (self.but("header", |it| it.spec.header = Some(odd(1 << 17))), Reason::Malformed),
            (self.but("block", block), Reason::Malformed),
            (self.templated("typed", |it| it.type_ = Some(odd(253))), Reason::Applied),
            (self.templated("labels", |it| it.metadata.labels = odd_names()), Reason::Malformed),
            (
                self.templated("annotations", |it| it.metadata.annotations = odd_names()),
                Reason::Malformed,
            ),
            (accounts, Reason::Malformed),
            (self.waiting(), Reason::Applied),
        ]
    }

    /// For pods of ServiceAccounts of which none is there.
    fn waiting(&self) -> SealedSecret {
        let login = json!({"username": "u", "password": CANARY});
        let config = json!({"auths": {"example.com": login}}).to_string();
        let mut sealed = self.seal("waiting", &[(".dockerconfigjson", &config)]);
        sealed.spec.template.get_or_insert_default().type_ = Some(DOCKER.into());
        sealed.spec.service_accounts = (0..64).map(|n| format!("{n:a>253}")).collect();
        sealed
    }
}

/// The same with one more value, like one that it has.
pub(crate) fn and_a_value(sealed: &SealedSecret) -> SealedSecret {
    let mut more = sealed.clone();
    let block = more.spec.values.values().next_back().unwrap().clone();
    more.spec.values.insert("one-more".into(), block);
    more
}

/// The same with one more stanza in each header, like one that it has.
pub(crate) fn and_a_stanza(sealed: &SealedSecret) -> SealedSecret {
    let mut more = sealed.clone();
    for header in more.spec.values.values_mut().filter_map(|block| block.header.as_mut()) {
        let (_, stanzas) = header.split_once('\n').unwrap();
        let first: Vec<&str> = stanzas.split_inclusive('\n').take(2).collect();
        *header = header.replacen("---", &format!("{}---", first.concat()), 1);
    }
    more
}

fn recipient(identity: &Identity) -> Recipient {
    identity.recipient().parse().unwrap()
}

/// So many bytes of what is not seen as itself, or one character less.
fn odd(bytes: usize) -> String {
    let mut text = ODD.repeat(bytes / ODD.len() + 1);
    text.truncate((0..=bytes).rev().find(|at| text.is_char_boundary(*at)).unwrap());
    text
}

fn odd_names() -> BTreeMap<String, String> {
    (0..256).map(|n| (format!("{ODD}{n}"), format!("{ODD}{CANARY}"))).collect()
}

/// Thousands of annotations, ours among them: 256 KiB, as many as Kubernetes lets an object have.
fn annotate(sealed: &mut SealedSecret) {
    let mut all = map(&[
        ("seal.dev/for", ODD),
        ("seal.dev/on-delete", &odd(4096)),
        ("seal.dev/reconcile-at", &odd(4096)),
        ("reconcile.fluxcd.io/requestedAt", &odd(4096)),
        ("seal.dev/accepts", &odd(4096)),
        ("seal.dev/git-source", &odd(4096)),
    ]);
    let mut left =
        (256 << 10) - all.iter().map(|(name, value)| name.len() + value.len()).sum::<usize>();
    for n in 0.. {
        let (name, value) = (format!("example.com/{n}"), odd(40));
        let Some(less) = left.checked_sub(name.len() + value.len()) else { break };
        left = less;
        all.insert(name, value);
    }
    assert!(all.len() > 4_000);
    sealed.metadata.annotations = Some(all);
}

/// Thousands of finalizers, and owners that are nobody.
fn own(sealed: &mut SealedSecret) {
    let owner = |n: usize| OwnerReference {
        api_version: "example.com/v1".into(),
        kind: odd(100),
        name: odd(100),
        uid: format!("{n}"),
        ..OwnerReference::default()
    };
    sealed.metadata.owner_references = Some((0..20).map(owner).collect());
    sealed.metadata.finalizers = Some((0..8_000).map(|n| format!("example.com/{n}")).collect());
}

/// As long as a scope can be, and elsewhere.
fn widen(sealed: &mut SealedSecret) {
    let namespaces = (0..64).map(|n| format!("n{n:0>62}")).collect();
    sealed.spec.scope = Scope { namespaces, name: "n".repeat(253) };
}
