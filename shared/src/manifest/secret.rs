//! A Secret in clear, as it is between its manifest and the sealed file.

use std::collections::BTreeMap;

use super::ManifestError;
use crate::kind::sealed::Template;
use crate::secret::SecretValue;

/// A plaintext Secret as its manifest has it. Prints without its values.
#[derive(Debug)]
pub struct Manifest {
    /// `metadata.namespace`.
    pub namespace: Option<String>,
    /// `metadata.name`.
    pub name: Option<String>,
    /// Type, labels, `immutable`, and the annotations that were asked for.
    pub template: Template,
    /// All values, of `data` and of `stringData`; none is in both.
    pub values: BTreeMap<String, SecretValue>,
    /// Names of fields and annotations that were left out.
    pub dropped: Vec<String>,
    /// Keys whose value was null: kubectl makes them empty.
    pub empty: Vec<String>,
}

impl Manifest {
    /// Whether it was read from a cluster: then its labels may be marks of the programs that have applied it.
    pub fn is_of_a_cluster(&self) -> bool {
        self.dropped
            .iter()
            .any(|field| field == "metadata.uid" || field == "metadata.resourceVersion")
    }

    /// Refuses a Secret without values: most likely a typo, or a manifest without its data. `object` is its name.
    pub fn require_values(&self, object: &str) -> Result<(), ManifestError> {
        if self.values.is_empty() {
            return Err(ManifestError::NoValues { object: object.to_owned() });
        }
        Ok(())
    }
}
