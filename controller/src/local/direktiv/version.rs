//! Which of its APIs a release of Direktiv has.

use std::str::FromStr;

/// A release that keeps secrets in a database.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Version {
    minor: u32,
    patch: u32,
}

impl Version {
    /// Up to 0.8.5 a secret is the body as it is, beneath `/api`; later it is JSON, beneath `/api/v2`.
    pub(super) fn is_raw(self) -> bool {
        (self.minor, self.patch) <= (8, 5)
    }

    /// The header that carries the key.
    pub(super) fn header(self) -> &'static str {
        if self.minor >= 9 { "direktiv-api-key" } else { "direktiv-token" }
    }
}

impl FromStr for Version {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<Self, &'static str> {
        let no_version = "a release such as 0.10 or 0.8.9";
        let (numbers, _) = text
            .trim_start_matches('v')
            .split_once('-')
            .unwrap_or((text.trim_start_matches('v'), ""));
        let numbers: Vec<u32> =
            numbers.split('.').map(str::parse).collect::<Result<_, _>>().map_err(|_| no_version)?;
        match numbers[..] {
            [0, 8] => Err("0.8 changed its API: name the patch too, such as 0.8.9"),
            [0, minor] if minor <= 10 => Ok(Self { minor, patch: 0 }),
            [0, minor, patch] if minor <= 10 => Ok(Self { minor, patch }),
            [_, _] | [_, _, _] => Err(
                "later than 0.10, which keeps secrets as Secrets of Kubernetes: let seal-controller run in that cluster",
            ),
            _ => Err(no_version),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_release_has_its_path_and_its_header() {
        for (text, is_raw, header) in [
            ("0.5", true, "direktiv-token"),
            ("v0.8.5", true, "direktiv-token"),
            ("0.8.9", false, "direktiv-token"),
            ("0.8.6-rc1", false, "direktiv-token"),
            ("0.9.1", false, "direktiv-api-key"),
            ("0.10", false, "direktiv-api-key"),
        ] {
            let version: Version = text.parse().unwrap();
            assert_eq!((version.is_raw(), version.header()), (is_raw, header), "{text}");
        }
        for wrong in ["", "x", "0", "0.8", "0.11", "1.0", "2025.8", "0.9.1.2", "-1.0"] {
            assert!(wrong.parse::<Version>().is_err(), "{wrong}");
        }
    }
}
