//! What the live Secret is besides its values: the flags for it, and what they change of a manifest.

use std::collections::{BTreeMap, BTreeSet};

use seal_core::kind::sealed::ON_CONFLICT;
use seal_core::manifest::Manifest;

use crate::error::Failure;

/// The flags that say what the live Secret is besides its values.
#[derive(Debug, clap::Args)]
#[command(next_help_heading = "The live Secret")]
pub(crate) struct TemplateArgs {
    /// Namespace of a manifest that has none
    ///
    /// Another than the manifest's is an error.
    #[arg(short, long, value_name = "NS")]
    pub(crate) namespace: Option<String>,
    /// Name of a manifest that has none
    ///
    /// Another than the manifest's is an error.
    #[arg(long)]
    pub(crate) name: Option<String>,
    /// Keep this annotation of the manifest, or set it; all others are left out (can be repeated)
    #[arg(long, value_name = "K[=V]", hide_short_help = true)]
    pub(crate) annotation: Vec<String>,
    /// Set a label of the live Secret (can be repeated)
    #[arg(long, value_name = "K=V", hide_short_help = true)]
    pub(crate) label: Vec<String>,
    /// Type of the live Secret (default: the manifest's, else Opaque)
    #[arg(long = "type", value_name = "TYPE", hide_short_help = true)]
    pub(crate) type_: Option<String>,
    /// Leave the value of KEY readable: it is no secret (can be repeated)
    #[arg(long, value_name = "KEY", hide_short_help = true)]
    pub(crate) clear: Vec<String>,
    /// What happens where a Secret of that name is there already: Refuse (default), AdoptEmpty, Adopt or Merge
    ///
    /// Refuse leaves it alone. AdoptEmpty takes one over whose values are all empty, with the same type and labels. Adopt takes one
    /// over that is annotated seal.dev/accepts=adopt, which only somebody who may write it can do. Merge writes its keys into one
    /// that is annotated seal.dev/accepts=merge, beside those of others, and makes none.
    #[arg(long, value_name = "CHOICE", hide_short_help = true)]
    pub(crate) on_conflict: Option<String>,
    /// keep: the live Secret stays when the sealed object is deleted
    #[arg(long, value_name = "WORD", value_parser = ["keep"], hide_short_help = true)]
    pub(crate) on_delete: Option<String>,
    /// A ServiceAccount whose pods pull images with it (can be repeated)
    ///
    /// Of the live Secret's namespace, by a controller that was installed with --attach-pull-secrets.
    #[arg(long, value_name = "NAME", hide_short_help = true)]
    pub(crate) service_account: Vec<String>,
}

impl TemplateArgs {
    /// Names of the manifest's annotations that stay.
    pub(crate) fn kept_annotations(&self) -> BTreeSet<String> {
        self.annotation.iter().filter(|text| !text.contains('=')).cloned().collect()
    }

    /// Refuses what makes no sense, before anything is read.
    pub(crate) fn check(&self) -> Result<(), Failure> {
        if let Some(index) = self.label.iter().position(|text| !text.contains('=')) {
            return Err(Failure::input(format!("--label number {} has no =", index + 1))
                .hint("--label K=V"));
        }
        match self.on_conflict.as_deref() {
            None => Ok(()),
            Some(choice) if ON_CONFLICT.contains(&choice) => Ok(()),
            Some(_) => {
                let choices = ON_CONFLICT.join(", ");
                Err(Failure::input(format!("--on-conflict takes one of {choices}"))
                    .hint("`seal --help`"))
            }
        }
    }
}

/// Sets the labels, annotations and type of the flags.
pub(super) fn set_template(manifest: &mut Manifest, flags: &TemplateArgs) {
    add_pairs(&flags.label, &mut manifest.template.metadata.labels);
    add_pairs(&flags.annotation, &mut manifest.template.metadata.annotations);
    if flags.type_.is_some() {
        manifest.template.type_.clone_from(&flags.type_);
    }
}

fn add_pairs(texts: &[String], map: &mut BTreeMap<String, String>) {
    for (key, value) in texts.iter().filter_map(|text| text.split_once('=')) {
        map.insert(key.to_owned(), value.to_owned());
    }
}
