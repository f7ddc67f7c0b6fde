//! Where the values come from that are sealed anew: opened with an identity, or read from the live Secrets of a cluster.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use seal_core::key::Keyring;
use seal_core::secret::SecretValue;

use super::ResealArgs;
use super::look::Looked;
use crate::cluster;
use crate::editing::Editing;
use crate::error::Failure;

/// What gives the values of an object.
pub(super) enum Values {
    /// These identities open it.
    Identities(Keyring),
    /// Those of live Secrets, by file and position; read before anything is sealed.
    Live(BTreeMap<(PathBuf, usize), Result<cluster::LiveValues, Failure>>),
}

impl Values {
    pub(super) fn of(args: &ResealArgs, due: &[Looked]) -> Result<Self, Failure> {
        if !args.from_cluster {
            return Ok(Self::Identities(args.identity.keyring()?));
        }
        let mut objects = Vec::new();
        for looked in due {
            for (index, object) in looked.objects(&looked.text()?)? {
                objects.push(((looked.path.clone(), index), object));
            }
        }
        cluster::live_values(&args.context, objects).map(Self::Live)
    }

    /// All sealed values of the object that is edited.
    pub(super) fn all(
        &self,
        path: &Path,
        index: usize,
        editing: &Editing<'_>,
    ) -> Result<BTreeMap<String, SecretValue>, Failure> {
        match self {
            Self::Identities(keyring) => {
                let keys: BTreeSet<&str> = editing.keys().collect();
                editing.open(&keys, keyring)
            }
            Self::Live(all) => match all.get(&(path.to_path_buf(), index)) {
                Some(Ok(values)) => Ok(values.iter().map(copy).collect()),
                Some(Err(failure)) => Err(failure.again().about_file(path)),
                None => Err(Failure::input("its values were not read").about_file(path)),
            },
        }
    }
}

fn copy((key, value): (&String, &SecretValue)) -> (String, SecretValue) {
    (key.clone(), value.expose().into())
}
