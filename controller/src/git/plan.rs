//! What is to be done about one wanted object: pure.

use seal_core::reason::Reason;

use super::object::{Live, Says};

/// What is to be done.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Plan {
    /// It is not there.
    Create,
    /// It is ours and says something else: written over the version that was looked at.
    Replace { uid: String },
    /// It is as it should be.
    Leave,
    /// It is not ours.
    Refuse(Reason, String),
}

/// Decides about an object that the source of this name and uid wants. `is_there` tells whether there is a source with a uid.
pub(super) fn plan(
    wanted: &Says,
    live: Option<&Live>,
    (name, uid): (&str, &str),
    is_there: impl Fn(&str) -> bool,
) -> Plan {
    let Some(live) = live else { return Plan::Create };
    match &live.mark {
        None => Plan::Refuse(
            Reason::NotOurs,
            "an object of that name is there that no GitSource made; delete it, and this one is applied"
                .to_owned(),
        ),
        Some(mark) if mark.uid == uid => {
            if live.says.is_as(wanted) { Plan::Leave } else { Plan::Replace { uid: live.uid.clone() } }
        }
        Some(mark) if is_there(&mark.uid) => Plan::Refuse(
            Reason::NotOurs,
            format!(
                "the GitSource {} has an object of that name, and keeps it",
                seal_core::escape::escaped(&mark.source)
            ),
        ),
        // Its source was deleted and made again.
        Some(mark) if mark.source == name => Plan::Replace { uid: live.uid.clone() },
        // No other one takes it: whoever pushes to that one would else write over what was never theirs.
        Some(mark) => Plan::Refuse(
            Reason::NotOurs,
            format!(
                "the GitSource {} applied an object of that name and is gone: make it again under its name, or delete the object",
                seal_core::escape::escaped(&mark.source)
            ),
        ),
    }
}

#[cfg(test)]
mod tests {
    use seal_core::kind::sealed::SealedSecret;

    use super::super::object::Mark;
    use super::*;

    fn says(namespace: &str) -> Says {
        let mut sealed = SealedSecret::default();
        sealed.spec.scope.namespaces = vec![namespace.to_owned()];
        Says::of(&sealed)
    }

    fn live(of: Option<&str>, says: Says) -> Live {
        let mark = of.map(|uid| Mark {
            source: "app".into(),
            uid: uid.into(),
            path: "a".into(),
            sets: vec![],
        });
        Live {
            uid: "u".into(),
            resource_version: "1".into(),
            generation: 1,
            mark,
            writer: None,
            says,
        }
    }

    fn decided(live: Option<Live>) -> Plan {
        plan(&says("prod"), live.as_ref(), ("app", "mine"), |uid| uid != "gone")
    }

    #[test]
    fn only_what_this_source_made_is_written_over() {
        let replace = Plan::Replace { uid: "u".into() };
        assert_eq!(decided(None), Plan::Create);
        assert_eq!(decided(Some(live(Some("mine"), says("prod")))), Plan::Leave);
        assert_eq!(decided(Some(live(Some("mine"), says("dev")))), replace);
        assert_eq!(decided(Some(live(Some("gone"), says("dev")))), replace);
        let of_another = live(Some("gone"), says("dev"));
        let mark = of_another.mark.clone().map(|mark| Mark { source: "other".into(), ..mark });
        let plan = decided(Some(Live { mark, ..of_another }));
        assert!(matches!(plan, Plan::Refuse(Reason::NotOurs, _)), "{plan:?}");
        for other in [None, Some("other")] {
            let plan = decided(Some(live(other, says("prod"))));
            assert!(matches!(plan, Plan::Refuse(Reason::NotOurs, _)), "{other:?}");
        }
    }
}
