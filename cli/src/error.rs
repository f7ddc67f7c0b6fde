//! Failures as a person reads them: an exit code, one message, one hint with the next step.
//!
//! Every error of seal-core ends here, with its reason word behind the message. The words of the operating
//! system are passed on; those of parsers never are, because they may quote what they read.

use std::fmt::Display;
use std::io;
use std::path::Path;

use seal_core::Problem;
use seal_core::exit_code::ExitCode;
use seal_core::key::KeyError;
use seal_core::kind::edit::EditError;
use seal_core::kind::file::FileError;
use seal_core::layout::LayoutError;
use seal_core::manifest::ManifestError;
use seal_core::open::OpenError;
use seal_core::reason::Reason;
use seal_core::registry::RegistryError;
use seal_core::seal::SealError;
use seal_core::secret_type::TypeError;
use seal_disk::DiskError;

/// Why a command did not do what it was asked.
#[derive(Debug)]
pub(crate) struct Failure {
    pub(crate) code: ExitCode,
    pub(crate) message: String,
    pub(crate) hint: Option<String>,
}

impl Failure {
    pub(crate) fn new(code: ExitCode, message: impl Into<String>) -> Self {
        Self { code, message: message.into(), hint: None }
    }

    pub(crate) fn input(message: impl Into<String>) -> Self {
        Self::new(ExitCode::Input, message)
    }

    pub(crate) fn hint(self, hint: impl Into<String>) -> Self {
        Self { hint: Some(hint.into()), ..self }
    }

    /// The same once more: of several failures each is said, and one ends the run.
    pub(crate) fn again(&self) -> Self {
        Self { code: self.code, message: self.message.clone(), hint: self.hint.clone() }
    }

    /// Puts the object in front that the failure is about.
    pub(crate) fn about(self, object: impl Display) -> Self {
        let message = format!("{object}: {}", self.message);
        Self { message, ..self }
    }

    /// Puts the file in front; standard input needs no name.
    pub(crate) fn about_file(self, path: &Path) -> Self {
        if path.as_os_str() == "-" { self } else { self.about(path.display()) }
    }

    /// A refusal with a reason's word, exit code and next step.
    pub(crate) fn refused(reason: Reason, message: impl Display) -> Self {
        let hint = Some(reason.hint().to_owned());
        Self { code: reason.into(), message: format!("{message} [{reason}]"), hint }
    }

    /// A file that could not be read, written or made.
    pub(crate) fn io(what: &str, path: &Path, error: &io::Error) -> Self {
        // A path that is not there or is a folder is wrong input; every other error is the machine's.
        let is_input =
            matches!(error.kind(), io::ErrorKind::NotFound | io::ErrorKind::IsADirectory);
        let code = if is_input { ExitCode::Input } else { ExitCode::Failed };
        let failure =
            Self::new(code, format!("cannot {what} {}: {}", path.display(), words(error)));
        match error.kind() {
            io::ErrorKind::StorageFull => {
                failure.hint("make room and run it again; no file was changed")
            }
            io::ErrorKind::NotFound if what == "read" => {
                failure.hint("`ls` shows what is there; `pwd` says where you are")
            }
            io::ErrorKind::NotFound => failure.hint("make its folder first"),
            io::ErrorKind::IsADirectory => failure.hint("name a file in it"),
            io::ErrorKind::PermissionDenied => failure.hint("`ls -l` says who may"),
            _ => failure,
        }
    }
}

/// The operating system's word for an error, in lower case and without its number.
pub(crate) fn words(error: &io::Error) -> String {
    seal_disk::words::words(error.kind())
}

impl From<OpenError> for Failure {
    fn from(error: OpenError) -> Self {
        Self::refused(error.reason(), error.to_string()).hint(error.hint())
    }
}

impl From<LayoutError> for Failure {
    fn from(error: LayoutError) -> Self {
        Self::refused(error.reason(), error.to_string()).hint(error.hint())
    }
}

impl From<DiskError> for Failure {
    fn from(error: DiskError) -> Self {
        Self::refused(error.reason(), error.to_string()).hint(error.hint())
    }
}

impl From<FileError> for Failure {
    fn from(error: FileError) -> Self {
        let hint = error.hint();
        Self::refused(Reason::Malformed, error.to_string()).hint(hint)
    }
}

impl From<EditError> for Failure {
    fn from(error: EditError) -> Self {
        match error {
            EditError::File(error) => error.into(),
            other => Self::input(other.to_string()).hint(
                "`seal fmt FILE` writes the layout that can be; it needs no key and no plaintext",
            ),
        }
    }
}

impl From<TypeError> for Failure {
    fn from(error: TypeError) -> Self {
        Self::input(error.to_string()).hint(error.hint())
    }
}

impl From<RegistryError> for Failure {
    fn from(error: RegistryError) -> Self {
        Self::input(error.message).hint(error.hint)
    }
}

/// What becomes of a Secret with too many values.
pub(crate) const SPLIT: &str = "split it: give some of the values a Secret of another name";

impl From<SealError> for Failure {
    fn from(error: SealError) -> Self {
        let failure = Self::input(error.to_string());
        match error {
            SealError::NoRecipient => Self { code: ExitCode::Missing, ..failure }.hint(
                "name one with -r, or run `seal init` and `seal fetch` once in this repository",
            ),
            SealError::MixedRecipients(..) => failure.hint(
                "leave out the classic one (age1 without pq), or seal for classic ones alone",
            ),
            SealError::UnusableRecipient(_) => failure.hint(
                "ask whoever gave you this recipient for another; a plugin must be on the PATH",
            ),
            SealError::TooLarge(_) => {
                failure.hint("keep the large part elsewhere, encrypted, and seal its key")
            }
            SealError::TooManyValues => failure.hint(SPLIT),
            SealError::NoSuchKey(_) => {
                failure.hint("--clear takes the name of a key of the manifest")
            }
            _ => failure.hint("leave it out of --clear: sealed values may be any bytes"),
        }
    }
}

impl From<ManifestError> for Failure {
    fn from(error: ManifestError) -> Self {
        if matches!(error, ManifestError::AlreadySealed { .. }) {
            return Self::new(ExitCode::AlreadySealed, error.to_string())
                .hint("to change one value of it: `seal set FILE KEY`");
        }
        let hint = manifest_hint(&error);
        Self::refused(Reason::Malformed, error.to_string()).hint(hint)
    }
}

fn manifest_hint(error: &ManifestError) -> &'static str {
    match error {
        ManifestError::Text { error, .. } => match error.problem {
            Problem::KeyTwice(_) => {
                "kubectl would silently take one of the two: take the other out"
            }
            Problem::Conflict => "keep one side of it and take its marks out",
            Problem::Template => {
                "have it filled in first: `helm template … | seal`; or seal the values alone, with --name NAME -n NS"
            }
            _ => {
                "look at that line: `kubectl apply --dry-run=client -f FILE` wants the same manifest"
            }
        },
        ManifestError::NotASecret { kind, .. } => hint_instead_of(kind),
        ManifestError::NotV1 { .. } => "write `apiVersion: v1` into it",
        ManifestError::Sops { .. } => "`sops -d FILE | seal` seals what it encrypts",
        ManifestError::Empty => "`kubectl create secret … --dry-run=client -o yaml` makes one",
        ManifestError::NoValues { .. } => {
            "values stand under data (base64) or stringData, or come by --from-file and its like"
        }
        ManifestError::UnknownField { .. } => {
            "values stand under data or stringData; take the field out"
        }
        ManifestError::NotBase64 { .. } => "plain text stands under stringData",
        ManifestError::InBoth { .. } => {
            "the API server would take the one in stringData: take the other out"
        }
        ManifestError::RespelledKey { .. } => "quote that key",
        ManifestError::BadKey { .. } => "give that key another name",
        ManifestError::WrongType { .. } => "the API server takes nothing else there",
        _ => "`kubectl apply --dry-run=client -f FILE` wants the same manifest",
    }
}

/// What to do with an object that is no Secret.
fn hint_instead_of(kind: &str) -> &'static str {
    match kind {
        "SealedSecret" => {
            "of another controller: `kubectl get secret NAME -o json | seal` seals the live Secret it has made"
        }
        "" => {
            "a file of KEY=value lines comes by --dotenv or --from-env-file, any other by --from-file KEY=FILE, each with --name and -n"
        }
        _ => "only Secrets are sealed: put other manifests into a file of their own",
    }
}

/// What is wrong with a recipient's text; the text only when it cannot be a private key.
pub(crate) fn bad_recipient(text: &str, error: KeyError) -> Failure {
    let failure = match error {
        KeyError::PrivateKey => {
            return Failure::input(error.to_string())
                .hint("`seal key new` prints the recipient; the identity itself never goes on a command line");
        }
        _ if ["ssh-", "ecdsa-", "sk-"].iter().any(|start| text.starts_with(start)) => {
            return Failure::input("an SSH key is no recipient here")
                .hint("`seal key new` makes a key to seal for; `seal fetch` pins the cluster's");
        }
        _ if text.starts_with("age1") && text.contains([',', ' ']) => {
            return Failure::input("more than one recipient stands where one belongs").hint(
                "give each a -r of its own, or put them into a file, one a line, for -R FILE",
            );
        }
        KeyError::NotARecipient => {
            return Failure::input(error.to_string())
                .hint("a recipient is one long word that begins with age1pq1; -R FILE reads them from a file");
        }
        _ if text.starts_with("age1") => {
            let start: String = text.chars().take(24).collect();
            let cut = if start.len() < text.len() { "…" } else { "" };
            Failure::input(format!("`{start}{cut}` is {error}"))
        }
        _ => Failure::input(error.to_string()),
    };
    failure.hint("a recipient is one long word that begins with age1pq1; `seal fetch` pins your cluster's in .seal.yaml")
}
