//! Recipients of age plugins: a program `age-plugin-NAME` on the PATH wraps the file key.
//!
//! Only recipients that the user names come here: those of `-r`, and those in a file of `-R` outside of any Git work tree.
//! What a repository brings along never starts a program.

use age::plugin::{Recipient as PluginRecipient, RecipientPluginV1};
use age::secrecy::SecretString;
use seal_core::key::{KeyError, Recipient};

use crate::console;
use crate::error::{Failure, bad_recipient};

/// The recipient of the plugin that its text names.
pub(crate) fn recipient(text: &str) -> Result<Recipient, Failure> {
    let parsed: PluginRecipient =
        text.parse().map_err(|_| bad_recipient(text, KeyError::DamagedRecipient))?;
    let name = parsed.plugin().to_owned();
    let plugin = RecipientPluginV1::new(&name, &[parsed], &[], OnTerminal).map_err(|_| {
        let message = format!("the plugin age-plugin-{name} is not on the PATH");
        Failure::input(message)
            .hint("install it, or seal for an age1pq1 recipient, which needs none")
    })?;
    Ok(Recipient::of_plugin(text.to_owned(), Box::new(plugin)))
}

/// What a plugin says is shown; what it asks is not, because sealing needs no answer.
#[derive(Clone)]
struct OnTerminal;

impl age::Callbacks for OnTerminal {
    fn display_message(&self, message: &str) {
        console::note(message);
    }

    fn confirm(&self, _: &str, _: &str, _: Option<&str>) -> Option<bool> {
        None
    }

    fn request_public_string(&self, _: &str) -> Option<String> {
        None
    }

    fn request_passphrase(&self, _: &str) -> Option<SecretString> {
        None
    }
}
