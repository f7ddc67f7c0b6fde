//! A path beneath the output folder, checked once more before the disk sees it. No I/O.

use std::fmt;

use serde::{Deserialize, Serialize};

/// Names at the top of the output folder that start so are the inventory and the staging folder.
const RESERVED: &str = ".seal-";

/// One or more names, none of which can lead out of its folder.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct RelPath(String);

impl RelPath {
    /// The path of these names; `None` when one of them is no plain file name.
    pub fn of(names: &[String]) -> Option<Self> {
        let reserved = names.first().is_none_or(|name| name.starts_with(RESERVED));
        (!reserved && names.iter().all(|name| is_plain(name))).then(|| Self(names.join("/")))
    }

    /// The path as text, with `/` between the names.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The folder it lies in, when that is not the output folder itself.
    pub fn folder(&self) -> Option<Self> {
        self.0.rsplit_once('/').map(|(folder, _)| Self(folder.to_owned()))
    }

    /// Every folder above it but the output folder, the outermost first.
    pub fn folders(&self) -> Vec<Self> {
        let slashes = self.0.match_indices('/');
        slashes.map(|(at, _)| Self(self.0[..at].to_owned())).collect()
    }

    /// The last name.
    pub fn name(&self) -> &str {
        self.0.rsplit_once('/').map_or(&self.0, |(_, name)| name)
    }

    pub(crate) fn names(&self) -> impl Iterator<Item = &str> {
        self.0.split('/')
    }
}

impl TryFrom<String> for RelPath {
    type Error = &'static str;

    fn try_from(text: String) -> Result<Self, &'static str> {
        let names: Vec<String> = text.split('/').map(str::to_owned).collect();
        Self::of(&names).ok_or("a path that leads out of its folder")
    }
}

impl From<RelPath> for String {
    fn from(path: RelPath) -> Self {
        path.0
    }
}

impl fmt::Display for RelPath {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// Whether a name can be a file's, and of no file but one in the same folder.
fn is_plain(name: &str) -> bool {
    (1..=255).contains(&name.len())
        && name != "."
        && name != ".."
        && !name.bytes().any(|byte| byte == b'/' || byte.is_ascii_control())
        && (!cfg!(windows) || is_plain_on_windows(name))
}

/// Whether Windows takes a name as it is: it reads `\`, `:` and `*` in names, opens devices by some, and drops dots and
/// spaces at their ends.
fn is_plain_on_windows(name: &str) -> bool {
    let stem = name.split('.').next().unwrap_or_default().trim_end().to_ascii_uppercase();
    let numbered = stem.strip_prefix("COM").or_else(|| stem.strip_prefix("LPT"));
    let is_device = matches!(stem.as_str(), "CON" | "PRN" | "AUX" | "NUL" | "CONIN$" | "CONOUT$")
        || numbered.is_some_and(|number| number.chars().count() == 1);
    !is_device
        && !name.ends_with(['.', ' '])
        && !name.contains(['\\', ':', '*', '?', '"', '<', '>', '|'])
}

#[cfg(test)]
mod tests {
    use super::*;

    fn path(names: &[&str]) -> Option<RelPath> {
        RelPath::of(&names.iter().map(|name| (*name).to_owned()).collect::<Vec<_>>())
    }

    #[test]
    fn no_name_leads_out_of_its_folder_or_into_what_is_reserved() {
        let long = "n".repeat(256);
        for wrong in [
            &[][..],
            &[""],
            &["."],
            &[".."],
            &["a", ".."],
            &["a/b"],
            &["/"],
            &["a", "b\0"],
            &["a", "b\n"],
            &[&long],
            &[".seal-inventory.json"],
            &[".seal-staging", "x"],
        ] {
            assert!(path(wrong).is_none(), "{wrong:?}");
        }
        assert!(RelPath::try_from("a//b".to_owned()).is_err());
        assert!(RelPath::try_from("../a".to_owned()).is_err());
    }

    #[test]
    fn no_name_is_another_file_or_a_device_on_windows() {
        for wrong in [
            "nul",
            "CON.txt",
            "aux .x",
            "COM1",
            "lpt9.crt",
            "com\u{b9}",
            "a.",
            "a ",
            "a:b",
            "..\\a",
            "a*",
            "a\"",
        ] {
            assert!(!is_plain_on_windows(wrong), "{wrong:?}");
        }
        for right in ["tls.crt", ".dockerconfigjson", "community", "com", "lpt10", "a..b", "null"] {
            assert!(is_plain_on_windows(right), "{right:?}");
        }
    }

    #[test]
    fn a_path_knows_its_folders_and_its_name() {
        let deep = path(&["prod", "db", ".seal-key"]).unwrap();
        assert_eq!(deep.name(), ".seal-key");
        let folders: Vec<String> = deep.folders().into_iter().map(String::from).collect();
        assert_eq!(folders, ["prod", "prod/db"]);
        assert_eq!(deep.folder().unwrap().as_str(), "prod/db");
        assert!(path(&["top"]).unwrap().folder().is_none());
    }
}
