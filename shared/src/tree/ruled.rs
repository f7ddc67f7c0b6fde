//! A sealed object beside the rule of `.seal.yaml` for its path: `seal` would not have made it so.

use crate::kind::sealed::SealedSecret;
use crate::preset::Preset;
use crate::registry::CONFIG_TYPE;

/// What the rule for a file says of what is sealed there.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Ruled {
    /// The `.seal.yaml`, as messages name it.
    pub policy: String,
    /// The only namespace.
    pub namespace: Option<String>,
    /// The platform.
    pub platform: Option<Preset>,
}

impl Ruled {
    /// Why the rule does not let an object be so, with the field of its metadata where that is seen.
    pub(super) fn refuses(&self, object: &SealedSecret) -> Option<(&'static str, String)> {
        self.other_place(object).or_else(|| self.other_platform(object))
    }

    fn other_place(&self, object: &SealedSecret) -> Option<(&'static str, String)> {
        let namespace = self.namespace.as_ref()?;
        let other = object.places().into_iter().find(|place| place.namespace != *namespace)?;
        let policy = &self.policy;
        let what = format!(
            "the rule of {policy} for this path is for the namespace {namespace}, not {}",
            other.namespace
        );
        Some(("namespace", what))
    }

    fn other_platform(&self, object: &SealedSecret) -> Option<(&'static str, String)> {
        let ruled = self.platform?;
        let noted = Preset::noted(object).map(|(preset, _)| preset);
        let type_ = object.spec.template.as_ref().and_then(|it| it.type_.as_deref());
        // Where a platform has no way of its own to list registries, its pods pull as all others do.
        let is_for_pods = type_ == Some(CONFIG_TYPE) && !ruled.lists_registries();
        if noted == Some(ruled) || (noted.is_none() && is_for_pods) {
            return None;
        }
        let policy = &self.policy;
        let was = match noted {
            Some(noted) => format!("sealed for {noted}"),
            None => format!("not sealed so: seal it again with --for {ruled}"),
        };
        Some((
            "annotations",
            format!("the rule of {policy} for this path is for {ruled}, and it was {was}"),
        ))
    }
}
