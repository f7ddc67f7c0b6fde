//! Why values do not fit a layout, and what a person can do about it.

use crate::reason::Reason;

use super::Layout;

/// Why an object is not laid out. Names objects and keys, never a value.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum LayoutError {
    /// Where a secret is one value, an object has none or several.
    #[error("{object} has {} keys{}, and faasd reads one value of a secret", .keys.len(), named(.keys))]
    Keys {
        /// Which object.
        object: String,
        /// Its keys.
        keys: Vec<String>,
    },
    /// Two values that would be one file, variable or registry.
    #[error("{what} would come of {one} and of {other}, so neither is written")]
    Collision {
        /// The file, variable or registry.
        what: String,
        /// An object and its key.
        one: String,
        /// Another object, or another key of the same.
        other: String,
    },
    /// A key that cannot be the name of a variable.
    #[error("{object}: {key} is no name of a variable")]
    Variable {
        /// Which object.
        object: String,
        /// Its key.
        key: String,
    },
    /// A value that the readers of an env file read differently.
    #[error(
        "{object}: the value of {key} has {what}, which docker, compose and systemd do not read alike"
    )]
    Value {
        /// Which object.
        object: String,
        /// Its key.
        key: String,
        /// What of it they read differently.
        what: &'static str,
    },
    /// A longer line than docker reads.
    #[error("{object}: {key} and its value are longer than 64 KiB, which docker reads no line of")]
    LongLine {
        /// Which object.
        object: String,
        /// Its key.
        key: String,
    },
    /// A docker config without a credential that can be taken over.
    #[error("{object}: {what}")]
    Credential {
        /// Which object.
        object: String,
        /// What is wrong with its docker config; names registries.
        what: String,
    },
    /// An object that has some of what makes a secret of Direktiv.
    #[error("{object} {what}")]
    Direktiv {
        /// Which object.
        object: String,
        /// What it lacks.
        what: String,
    },
    /// An object that does not belong into the layout.
    #[error("{object} is of type {type_}, which is nothing for the layout {layout}")]
    OtherType {
        /// Which object.
        object: String,
        /// Its type.
        type_: String,
        /// The layout.
        layout: Layout,
    },
    /// All objects together make a larger file than is written.
    #[error("{object}: with it the file would be larger than 4 MiB")]
    TooMuch {
        /// Which object.
        object: String,
    },
}

fn named(keys: &[String]) -> String {
    match keys {
        [] => String::new(),
        keys if keys.len() > 8 => format!(" ({}, …)", keys[..8].join(", ")),
        keys => format!(" ({})", keys.join(", ")),
    }
}

impl LayoutError {
    /// The one word for it.
    pub fn reason(&self) -> Reason {
        match self {
            Self::Collision { .. } => Reason::Duplicate,
            _ => Reason::NotAllowed,
        }
    }

    /// What a person can do about it.
    pub fn hint(&self) -> &'static str {
        match self {
            Self::Keys { .. } => "seal each value as a secret of its own, or use the layout tree",
            Self::Collision { .. } => {
                "give one of the two another name, or open them to two outputs"
            }
            Self::Variable { .. } => {
                "a variable is made of A-Z, 0-9 and _ and does not begin with a digit: seal it under such a key, or use the layout tree"
            }
            Self::Value { what: LINE_BREAK, .. } => {
                "seal it again with --trim where it only ends in one; else in base64, or use the layout tree"
            }
            Self::Value { .. } => {
                "seal it in base64, which needs no quotes, or use the layout tree"
            }
            Self::LongLine { .. } => "use the layout tree: a variable is no place for a file",
            Self::Credential { .. } => {
                "seal the docker config of one `docker login` with a user and password, without credsStore and credHelpers"
            }
            Self::Direktiv { .. } => "seal it with `--for direktiv`, which sets labels and key",
            Self::OtherType { layout: Layout::File(super::FileLayout::DockerConfig), .. } => {
                "it takes the types kubernetes.io/dockerconfigjson and kubernetes.io/dockercfg"
            }
            Self::OtherType { .. } => "the layout docker-config takes a registry's credentials",
            Self::TooMuch { .. } => "open fewer namespaces into one file",
        }
    }
}

/// A value with this reads differently in every reader.
pub(super) const LINE_BREAK: &str = "a line break";

/// Why the file that is there is neither read nor replaced. Quotes nothing of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum BadFile {
    /// No JSON, or none that a docker config has.
    #[error("is no docker config: it is not JSON of the shape {{\"auths\": {{…}}}}")]
    NotDockerConfig,
    /// What docker makes of it depends on chance.
    #[error(
        "has a field twice, or the field auths in capitals: which of them counts is not certain"
    )]
    Twice,
    /// docker asks a program for credentials, and never looks at the entries.
    #[error(
        "names a program for credentials (credsStore), which docker asks instead of reading entries"
    )]
    CredsStore,
}
