//! What is said of sealed objects that are waited for, and which errors end the wait.

use kube::runtime::watcher;
use seal_core::exit_code::ExitCode;
use seal_core::kind::Kind;
use seal_core::reason::Reason;

use super::super::connect::Cluster;
use super::super::missing;
use super::super::verdict::Verdict;
use super::Watched;
use crate::console;
use crate::error::Failure;

/// Objects that a message names.
const MOST_NAMED: usize = 10;

impl Watched {
    /// Said once, when the cluster has answered.
    pub(super) fn tell_what_is_waited_for(&mut self) {
        let waiting = self.waiting();
        if !self.is_told && !waiting.is_empty() {
            console::note(&format!("waiting: {}", some_of(&waiting)));
        }
        self.is_told = true;
    }

    /// The objects that are not Ready, each with why.
    pub(super) fn waiting(&self) -> Vec<String> {
        let waiting = self.names.iter().filter_map(|(name, state)| match &state.verdict {
            Verdict::Waits(why) => Some(format!("{}: {why}", self.full_name(name))),
            _ => None,
        });
        waiting.collect()
    }

    pub(super) fn full_name(&self, name: &str) -> String {
        full_name(&self.namespace, name)
    }

    /// Errors that will not go away end it; others are said once and waited out.
    pub(super) fn look_at(
        &mut self,
        cluster: &Cluster,
        error: &watcher::Error,
    ) -> Result<(), Failure> {
        let (code, cause) = match error {
            watcher::Error::InitialListFailed(error)
            | watcher::Error::WatchStartFailed(error)
            | watcher::Error::WatchFailed(error) => match error {
                kube::Error::Api(status) => (status.code, Some(error)),
                _ => (0, Some(error)),
            },
            watcher::Error::WatchError(status) => (status.code, None),
            watcher::Error::NoResourceVersion => (0, None),
        };
        let kind = self.kind.as_str();
        let (what, at) = match self.kind {
            Kind::SealedSecret => {
                (format!("{kind}s of {}", self.namespace), format!("sls -n {}", self.namespace))
            }
            Kind::ClusterSealedSecret => (format!("{kind}s"), "csls".to_owned()),
        };
        match (code, cause) {
            (403, _) => Err(missing(format!("{} does not let you watch {what}", cluster.name))
                .hint(format!("`kubectl auth can-i watch {at}` asks the same"))),
            (401, Some(error)) | (_, Some(error @ kube::Error::Auth(_))) => {
                Err(cluster.refused(error, &what))
            }
            (404, _) => {
                self.waits(format!("the cluster has no kind {kind}"));
                Ok(())
            }
            _ => {
                self.waits(format!("{} does not answer", cluster.name));
                Ok(())
            }
        }
    }

    /// Said when it is new.
    pub(super) fn waits(&mut self, why: String) {
        if self.trouble.as_ref() != Some(&why) {
            console::note(&format!("{why}; waiting"));
        }
        self.trouble = Some(why);
    }

    pub(super) fn too_late(&self, cluster: &Cluster) -> Failure {
        if !self.is_reached {
            let why =
                self.trouble.clone().unwrap_or_else(|| format!("{} does not answer", cluster.name));
            return missing(why).hint("`kubectl get sls` asks the same; `seal install` prints the kind and its controller");
        }
        let message = format!("not Ready within {} s: {}", self.seconds, some_of(&self.waiting()));
        Failure::new(ExitCode::Failed, message).hint(format!(
            "`kubectl get {}` shows how far each is; --timeout waits longer",
            match self.kind {
                Kind::SealedSecret => format!("sls -n {}", self.namespace),
                Kind::ClusterSealedSecret => "csls".to_owned(),
            }
        ))
    }
}

pub(super) fn full_name(namespace: &str, name: &str) -> String {
    if namespace.is_empty() { name.to_owned() } else { format!("{namespace}/{name}") }
}

fn some_of(waiting: &[String]) -> String {
    let some = waiting.get(..MOST_NAMED).unwrap_or(waiting).join("; ");
    match waiting.len().saturating_sub(MOST_NAMED) {
        0 => some,
        more => format!("{some}; and {more} more"),
    }
}

/// With the exit code of the reason. The controller's message has the next step of this very case.
pub(super) fn stalled(about: &str, word: &str, message: &str) -> Failure {
    let message = format!("{about}: {message}");
    match Reason::ALL.into_iter().find(|reason| reason.as_str() == word) {
        Some(reason) => Failure::new(reason.into(), format!("{message} [{reason}]")).hint(
            "nothing but a change gets it further: what the message says, or `kubectl describe`",
        ),
        None => Failure::new(ExitCode::Failed, format!("{message} [{word}]")),
    }
}
