//! The flags that say where a value may be opened, for whoever wants more than its own place.

use seal_core::place::{Place, Scope};

use crate::console;
use crate::error::Failure;

/// `--scope-…`: without them a value opens at its own namespace and name only.
#[derive(Debug, clap::Args)]
#[command(next_help_heading = "Where it may be opened")]
pub(crate) struct ScopeArgs {
    /// Namespaces where it may be opened, or '*' (default: its own)
    #[arg(long, value_name = "NS,…", value_delimiter = ',', hide_short_help = true)]
    pub(crate) scope_namespaces: Vec<String>,
    /// '*': it may be opened under any name (default: its own)
    #[arg(long, value_name = "NAME", hide_short_help = true)]
    pub(crate) scope_name: Option<String>,
}

impl ScopeArgs {
    pub(crate) fn given(&self) -> bool {
        !self.scope_namespaces.is_empty() || self.scope_name.is_some()
    }

    /// The scope that the flags ask for; what they leave out is that of `place`.
    pub(crate) fn scope(&self, place: &Place) -> Result<Scope, Failure> {
        let mut scope = Scope::of(place);
        if !self.scope_namespaces.is_empty() {
            scope.namespaces = self.scope_namespaces.clone();
            scope.namespaces.sort();
            scope.namespaces.dedup();
        }
        if let Some(name) = &self.scope_name {
            scope.name.clone_from(name);
        }
        if let Some(problem) = scope.problem() {
            return Err(Failure::input(format!("{place}: {problem}"))
                .hint("--scope-namespaces a,b or '*'; --scope-name '*'"));
        }
        if !scope.admits(place) {
            return Err(Failure::input(format!("{place} does not lie in the scope {scope}"))
                .hint("the scope must hold the place where the file itself lies: add it"));
        }
        Ok(scope)
    }
}

/// The flags that ask for `scope`.
pub(crate) fn flags(scope: &Scope) -> String {
    format!("--scope-namespaces '{}' --scope-name '{}'", scope.namespaces.join(","), scope.name)
}

/// Says in words what a wildcard gives away; of an object of the `cluster`, to whom labels give it.
pub(crate) fn explain_wildcard(place: &Place, scope: &Scope, cluster: bool) {
    if cluster {
        if scope.any_namespace() {
            console::warn(&format!(
                "{}: whoever may label a namespace with what its selector looks for has the values there",
                place.name
            ));
        }
        return;
    }
    let where_ = match (scope.any_namespace(), scope.name == "*") {
        (true, true) => "in any namespace, under any name".to_owned(),
        (true, false) => format!("in any namespace, under the name {}", scope.name),
        (false, true) => format!("in {}, under any name", scope.namespaces.join(", ")),
        (false, false) => return,
    };
    console::warn(&format!(
        "{place}: scope {scope}: readable by anyone who may create a SealedSecret there, that is {where_}"
    ));
}
