//! What names a Direktiv on the command line, as far as it is wrong by itself.

use std::path::{Path, PathBuf};

use http::{HeaderValue, Uri};
use seal_core::reason::Reason;
use seal_disk::private::{self, Pipes};

use super::{Direktiv, Version};
use crate::local::refusal::Failure;

/// Where a Direktiv is, and who asks it.
#[derive(Debug, clap::Args)]
pub(crate) struct DirektivArgs {
    /// For direktiv-api: address of Direktiv, such as https://direktiv.example
    #[arg(long, value_name = "URL")]
    url: Option<String>, // read below: what clap refuses it repeats, and there may be a password in it
    /// For direktiv-api: file with Direktiv's API key, which nobody else can read
    #[arg(long, value_name = "FILE")]
    api_key_file: Option<PathBuf>,
    /// For direktiv-api: its release, such as 0.10 or 0.8.9
    #[arg(long, value_name = "V", value_parser = str::parse::<Version>)]
    direktiv_version: Option<Version>,
}

impl DirektivArgs {
    /// Whether anything of it was said.
    pub(crate) fn are_there(&self) -> bool {
        self.url.is_some() || self.api_key_file.is_some() || self.direktiv_version.is_some()
    }

    /// Opens its ledger in the folder `out`; asks Direktiv nothing yet.
    pub(crate) fn open(self, out: &Path) -> Result<Direktiv, Failure> {
        let (Some(text), Some(version)) = (self.url, self.direktiv_version) else {
            return Err(Failure::usage(
                "direktiv-api needs to know where Direktiv is and which",
                "--url URL --direktiv-version V, and --api-key-file FILE where it asks for a key",
            ));
        };
        let url = url(&text).map_err(|wrong| {
            Failure::usage(format!("--url takes {wrong}"), "--url https://direktiv.example")
        })?;
        let is_here = matches!(url.host(), Some("localhost" | "127.0.0.1" | "[::1]"));
        if url.scheme_str() == Some("http") && !is_here {
            tracing::warn!(
                "{url} is not encrypted: whoever is on the way reads the values and the key"
            );
        }
        let key = self.api_key_file.map(|path| key(&path)).transpose()?;
        let direktiv = Direktiv::open(out, &url, version, key);
        let direktiv = direktiv.map_err(|error| Failure::disk(&error))?;
        direktiv.map_err(|what| Failure::usage(what, "look at --url"))
    }
}

fn url(text: &str) -> Result<Uri, &'static str> {
    let wrong = "an address such as https://direktiv.example, without a user, ? or #";
    let url: Uri = text.trim_end_matches('/').parse().map_err(|_| wrong)?;
    let is_web = matches!(url.scheme_str(), Some("http" | "https"));
    let has_user = url.authority().is_none_or(|authority| authority.as_str().contains('@'));
    if !is_web || has_user || url.query().is_some() || text.contains('#') {
        return Err(wrong);
    }
    Ok(url)
}

fn key(path: &Path) -> Result<HeaderValue, Failure> {
    let name = path.display();
    let text = private::read(path, Pipes::Refused).map_err(|error| Failure {
        reason: error.reason(),
        message: format!("the file of the API key {name} {error}"),
        hint: "a file of its own with the key and nothing else, with `chmod 600`",
    })?;
    let value = HeaderValue::from_str(text.trim()).ok().filter(|value| !value.is_empty());
    let mut value = value.ok_or_else(|| Failure {
        reason: Reason::Malformed,
        message: format!("the file of the API key {name} holds no key"),
        hint: "a file of its own with the key and nothing else",
    })?;
    value.set_sensitive(true);
    Ok(value)
}

#[cfg(test)]
mod tests {
    use super::url;

    #[test]
    fn an_address_is_of_the_web_and_names_nobody() {
        for right in ["https://direktiv.example", "http://127.0.0.1:8080/", "https://x/base"] {
            assert!(url(right).is_ok(), "{right}");
        }
        for wrong in
            ["", "x", "ftp://x", "file:///etc", "https://u:p@x", "https://x?a=b", "https://x#y"]
        {
            assert!(url(wrong).is_err(), "{wrong}");
        }
    }
}
