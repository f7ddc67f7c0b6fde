//! The values of a file that is edited: those that an identity opens, and those that go in, as its platform reads them and as
//! its type wants them.

use std::collections::BTreeSet;

use seal_core::key::Keyring;
use seal_core::kind::edit::Change;
use seal_core::open::allowed::Grants;
use seal_core::open::check::check;
use seal_core::place::Scope;
use seal_core::{open, seal, secret_type};

use super::Editing;
use crate::console;
use crate::error::Failure;
use crate::policy::Chosen;
use crate::preset::Platform;
use crate::values::{self, LineFeeds, Values};

impl Editing<'_> {
    /// The values of `keys`, which must be there; the others may be sealed to somebody else, or damaged.
    pub(crate) fn open(&self, keys: &BTreeSet<&str>, keyring: &Keyring) -> Result<Values, Failure> {
        let mut object = self.object.clone();
        object.spec.values.retain(|key, _| keys.contains(key.as_str()));
        if let Some(template) = &mut object.spec.template {
            template.string_data.clear();
        }
        let opened = check(&object)
            .and_then(|checked| checked.allowed(&Grants::most()))
            .and_then(|allowed| open::open(&allowed, keyring));
        Ok(opened.map_err(|error| self.about(error.into()))?.values)
    }

    /// The values, looked over, as the platform reads them that the file was made for.
    pub(crate) fn as_read(
        &self,
        mut values: Values,
        line_feeds: LineFeeds,
    ) -> Result<Values, Failure> {
        let platform = Platform::noted(&self.object);
        let strict = platform.as_ref().is_some_and(|it| it.preset.keeps_line_feeds());
        values::end_lines(&self.place, &mut values, line_feeds, strict)
            .and_then(|()| values::look_over(&self.place, &values))
            .map_err(|failure| self.about(failure))?;
        let Some(platform) = platform else { return Ok(values) };
        console::say(&format!("{}: {}", self.place, platform.sentence(self.type_())));
        platform.entries(values).map_err(|failure| self.about(failure))
    }

    /// Seals values of it anew, and says for whom.
    pub(crate) fn seal(
        &self,
        values: &Values,
        scope: &Scope,
        chosen: &Chosen,
    ) -> Result<Change, Failure> {
        console::say(&format!("{}: {}", self.place, chosen.sentence));
        chosen.warning.iter().for_each(|warning| console::warn(warning));
        self.warn_of_others(chosen);
        seal::seal_into(&self.object, values, scope, &chosen.recipients)
            .map_err(|error| self.about(Failure::from(error).about(&self.place)))
    }

    /// What changes, for a person: keys that are sealed anew, that are new, and that go.
    pub(crate) fn in_words(&self, put: &Values, remove: &BTreeSet<String>) -> String {
        let (changed, new): (Vec<&str>, Vec<&str>) =
            put.keys().map(String::as_str).partition(|key| self.has(key));
        let removed: Vec<&str> = remove.iter().map(String::as_str).collect();
        let parts = [(changed, "sealed anew"), (new, "added"), (removed, "taken out")];
        let parts = parts.iter().filter(|(keys, _)| !keys.is_empty());
        parts
            .map(|(keys, what)| format!("{} {what}", keys.join(", ")))
            .collect::<Vec<_>>()
            .join("; ")
    }

    /// Refuses what cannot stand in the file: a key that is there in clear, a value that its type does not have.
    pub(crate) fn check_values(&self, values: &Values) -> Result<(), Failure> {
        let place = &self.place;
        if let Some(key) = values.keys().find(|key| self.is_clear(key)) {
            let message = format!("{place}: {key} stands in clear in spec.template.stringData");
            return Err(self.about(
                Failure::input(message)
                    .hint("it is no secret by the rule, and is changed in that line with an editor; to seal it, take the line out and the key from `clear`"),
            ));
        }
        let warnings = secret_type::check_values(self.type_().unwrap_or_default(), values)
            .map_err(|error| self.about(Failure::from(error).about(place)))?;
        warnings.iter().for_each(|warning| console::warn(&format!("{place}: {warning}")));
        Ok(())
    }
}
