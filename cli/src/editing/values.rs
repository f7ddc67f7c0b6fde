//! The values that go into a file that is edited: as its platform reads them, and as its type wants them.

use seal_core::secret_type;

use super::Editing;
use crate::console;
use crate::error::Failure;
use crate::preset::Platform;
use crate::values::{self, LineFeeds, Values};

impl Editing<'_> {
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

    /// Refuses what cannot stand in the file: a key that is there in clear, a value that its type does not have.
    pub(crate) fn check_values(&self, values: &Values) -> Result<(), Failure> {
        let place = &self.place;
        if let Some(key) = values.keys().find(|key| self.is_clear(key)) {
            let message = format!("{place}: {key} stands in clear in spec.template.stringData");
            return Err(self.about(
                Failure::input(message)
                    .hint("take that line out first: a key is sealed or clear, never both"),
            ));
        }
        let warnings = secret_type::check_values(self.type_().unwrap_or_default(), values)
            .map_err(|error| self.about(Failure::from(error).about(place)))?;
        warnings.iter().for_each(|warning| console::warn(&format!("{place}: {warning}")));
        Ok(())
    }
}
