//! A sealed object beside the rule of `.seal.yaml` for its path: `seal` would not have made it so.

use crate::kind::sealed::SealedSecret;
use crate::preset::Preset;

/// Where it is seen that a rule is not kept, and how.
type Refused = (&'static [&'static str], String);

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
    /// Why the rule does not let an object be so, with the field where that is seen.
    pub(super) fn refuses(&self, object: &SealedSecret) -> Option<Refused> {
        self.other_place(object)
            .or_else(|| self.other_scope(object))
            .or_else(|| self.other_platform(object))
    }

    fn other_place(&self, object: &SealedSecret) -> Option<Refused> {
        let (rule, other) = self.other(object.metadata.namespace.as_slice())?;
        Some((&["metadata", "namespace"], format!("{rule}, not {other}")))
    }

    /// What may be opened elsewhere is sealed for elsewhere too.
    fn other_scope(&self, object: &SealedSecret) -> Option<Refused> {
        let (rule, other) = self.other(&object.spec.scope.namespaces)?;
        Some((&["spec", "scope"], format!("{rule}, and its scope has {other}")))
    }

    /// The first namespace that is not the rule's, behind what the rule says.
    fn other<'n>(&self, namespaces: &'n [String]) -> Option<(String, &'n String)> {
        let (policy, ruled) = (&self.policy, self.namespace.as_ref()?);
        let other = namespaces.iter().find(|namespace| *namespace != ruled)?;
        Some((format!("the rule of {policy} for this path is for the namespace {ruled}"), other))
    }

    fn other_platform(&self, object: &SealedSecret) -> Option<Refused> {
        let ruled = self.platform?;
        let noted = Preset::noted(object).map(|(preset, _)| preset);
        let type_ = object.spec.template.as_ref().and_then(|it| it.type_.as_deref());
        if noted == Some(ruled) || (noted.is_none() && !ruled.rules_over(type_)) {
            return None;
        }
        let policy = &self.policy;
        let was = match noted {
            Some(noted) => format!("sealed for {noted}"),
            None => format!("not sealed so: seal it again with --for {ruled}"),
        };
        Some((
            &["metadata", "annotations"],
            format!("the rule of {policy} for this path is for {ruled}, and it was {was}"),
        ))
    }
}
