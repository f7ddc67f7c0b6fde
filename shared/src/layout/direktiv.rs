//! What goes to Direktiv's API where that keeps secrets in a database (releases up to 0.10): by the labels and the key that the
//! preset `direktiv` writes, so that the sealed file is the one of a cluster.

use sha2::{Digest, Sha256};

use crate::kind::sealed::SealedSecret;
use crate::names::{DIREKTIV_KEY, DIREKTIV_NAME, DIREKTIV_NAMESPACE};
use crate::open::Opened;
use crate::place::Place;
use crate::secret::SecretValue;

use super::{LayoutError, keys_of};

/// A secret of Direktiv: its namespace there, and its name.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct DirektivSecret {
    /// The Direktiv namespace.
    pub namespace: String,
    /// What flows call it.
    pub name: String,
}

impl DirektivSecret {
    /// Which secret of Direktiv a sealed object at a place is; `None` for one that is none, by its labels.
    pub fn of(sealed: &SealedSecret, place: &Place) -> Result<Option<Self>, LayoutError> {
        let labels = sealed.spec.template.as_ref().map(|template| &template.metadata.labels);
        let label = |name: &str| labels.and_then(|labels| labels.get(name)).cloned();
        let Some(namespace) = label(DIREKTIV_NAMESPACE) else { return Ok(None) };
        let wrong = |what: &str| {
            let (object, what) = (place.to_string(), what.to_owned());
            Err(LayoutError::Direktiv { object, what })
        };
        let Some(name) = label(DIREKTIV_NAME) else {
            return wrong("has the label direktiv.io/namespace and no direktiv.io/name");
        };
        if keys_of(sealed).collect::<Vec<_>>() != [DIREKTIV_KEY] {
            return wrong("has other keys than the one that Direktiv reads, secret");
        }
        if ![&namespace, &name].into_iter().all(|name| is_segment(name)) {
            return wrong("has a name that cannot stand in an address of Direktiv's API");
        }
        Ok(Some(Self { namespace, name }))
    }

    /// Reads what [`Display`](std::fmt::Display) wrote.
    pub fn parse(text: &str) -> Option<Self> {
        let (namespace, name) = text.split_once('/')?;
        let is_one = is_segment(namespace) && is_segment(name);
        is_one.then(|| Self { namespace: namespace.to_owned(), name: name.to_owned() })
    }

    /// The value of an opened object.
    pub fn value(opened: Opened) -> SecretValue {
        opened.values.into_values().next().unwrap_or_default()
    }
}

impl std::fmt::Display for DirektivSecret {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}/{}", self.namespace, self.name)
    }
}

fn is_segment(name: &str) -> bool {
    let is_part = |byte: u8| byte.is_ascii_alphanumeric() || b"-_.".contains(&byte);
    (1..=253).contains(&name.len()) && name.bytes().all(is_part) && !name.starts_with('.')
}

/// What tells one sealing from the next: a hash of the sealed text, ciphertext and all, and so of nothing that a value could
/// be guessed by.
pub fn sealing(sealed: &SealedSecret) -> String {
    let text = serde_json::to_vec(&sealed.spec).expect("a type of text, maps and lists is JSON");
    hex::encode(Sha256::digest(text))
}
