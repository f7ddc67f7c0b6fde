//! Days: the one after which credentials are no longer valid, written on the sealed object and read again, and the one on
//! which a key was made. The only thing here that asks what day it is; all of them are in UTC.

use jiff::Timestamp;
use jiff::civil::Date;
use jiff::tz::TimeZone;
use seal_core::kind::sealed::SealedSecret;
use seal_core::names::EXPIRES;

use crate::error::Failure;

/// A day, valid until its end in UTC.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Expiry(Date);

impl Expiry {
    /// The day that `--expires` names; one that is past is a slip.
    pub(crate) fn from_flag(text: &str) -> Result<Self, Failure> {
        let such_as = "--expires 2027-01-31: year, month and day";
        let Some(expiry) = Self::parse(text) else {
            return Err(Failure::input("--expires names no day").hint(such_as));
        };
        if expiry.is_past() {
            return Err(Failure::input(format!("--expires {expiry} is past"))
                .hint("seal credentials that are valid, or leave --expires out"));
        }
        Ok(expiry)
    }

    /// The day that a text names.
    pub(crate) fn parse(text: &str) -> Option<Self> {
        let date: Date = text.parse().ok()?;
        // Of all that reads as a day only one spelling is written.
        (date.to_string() == text).then_some(Self(date))
    }

    /// The text that is written on a sealed object, and the day that it names if it names one.
    pub(crate) fn noted(object: &SealedSecret) -> Option<(&String, Option<Self>)> {
        let text = object.metadata.annotations.as_ref()?.get(EXPIRES)?;
        Some((text, Self::parse(text)))
    }

    /// Writes it on a sealed object.
    pub(crate) fn note(self, object: &mut SealedSecret) {
        let annotations = object.metadata.annotations.get_or_insert_default();
        annotations.insert(EXPIRES.to_owned(), self.to_string());
    }

    /// Whether the day is over.
    pub(crate) fn is_past(self) -> bool {
        self.0 < now()
    }
}

/// Today, as `.seal.yaml` has days.
pub(crate) fn today() -> String {
    now().to_string()
}

/// The day of a time such as `2027-01-31T10:00:00Z`.
pub(crate) fn day_of(time: &str) -> Option<String> {
    let time: Timestamp = time.parse().ok()?;
    Some(time.to_zoned(TimeZone::UTC).date().to_string())
}

/// How many days ago a day was, below 0 for one that is to come; none of a text that is no day.
pub(crate) fn days_since(day: &str) -> Option<i64> {
    let Expiry(date) = Expiry::parse(day)?;
    Some(i64::from((now() - date).get_days()))
}

fn now() -> Date {
    Timestamp::now().to_zoned(TimeZone::UTC).date()
}

impl std::fmt::Display for Expiry {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        self.0.fmt(f)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_day_has_one_spelling() {
        for day in ["2027-01-31", "2028-02-29"] {
            assert_eq!(Expiry::parse(day).map(|it| it.to_string()), Some(day.to_owned()));
        }
        for wrong in
            ["", "90d", "2027-02-29", "2027-1-31", "20270131", "2027-01-31T00:00", "31.1.2027"]
        {
            assert_eq!(Expiry::parse(wrong), None, "{wrong}");
        }
        assert!(Expiry::parse("2001-01-01").unwrap().is_past());
        assert_eq!(days_since(&today()), Some(0));
        assert!(days_since("2001-01-01").is_some_and(|days| days > 9000));
        assert_eq!(days_since("2001-02-29"), None);
        assert_eq!(day_of("2027-01-31T23:59:59Z").as_deref(), Some("2027-01-31"));
        assert_eq!(day_of("2027-01-31"), None);
        assert!(!Expiry::parse("9000-01-01").unwrap().is_past());
    }
}
