//! The API server's errors in our own words: what was asked for, what stands in the way, and whether it is worth
//! another try.
//!
//! Its texts can quote a Secret's fields, so none of them is ever passed on: a text is searched for a few phrases and
//! for the names of webhooks, policies and quotas, and the HTTP status says the rest.

use std::fmt;

use seal_core::escaped;

/// Most fields that a sentence names.
const MOST_FIELDS: usize = 4;

/// A request that failed.
#[derive(Debug)]
pub(crate) struct ApiError {
    /// What was asked for, as `update the Secret`.
    pub asked: &'static str,
    /// Of which object or namespace.
    pub of: String,
    error: kube::Error,
}

impl ApiError {
    pub(crate) fn new(asked: &'static str, of: impl fmt::Display, error: kube::Error) -> Self {
        Self { asked, of: of.to_string(), error }
    }

    /// One that was given up, since no answer came in time.
    pub(crate) fn silence(asked: &'static str, of: impl fmt::Display) -> Self {
        Self::new(asked, of, kube::Error::Service("no answer in time".into()))
    }

    /// The HTTP status; 0 when no answer came.
    pub(crate) fn code(&self) -> u16 {
        code(&self.error)
    }

    /// Whether the API server judged the object itself to be wrong: no retry will help.
    ///
    /// Its own validation names fields. A ValidatingAdmissionPolicy or webhook that denies with the same status names
    /// none, and may be changed.
    pub(crate) fn is_invalid(&self) -> bool {
        self.code() == 422 && !self.fields().is_empty()
    }

    /// The fields that its validation names.
    pub(crate) fn fields(&self) -> Vec<String> {
        let kube::Error::Api(status) = &self.error else { return Vec::new() };
        let causes = status.details.iter().flat_map(|details| &details.causes);
        let fields = causes.map(|cause| cause.field.as_str()).filter(|field| !field.is_empty());
        let mut named: Vec<String> = fields.map(escaped).collect();
        named.dedup();
        named.truncate(MOST_FIELDS);
        named
    }

    /// Whether the object was written by somebody else between our read and our write, or appeared or went.
    pub(crate) fn is_race(&self) -> bool {
        self.code() == 409
    }

    /// Whether the API server itself is out of order or out of reach, rather than some rule against this object.
    pub(crate) fn is_outage(&self) -> bool {
        match self.code() {
            0 => self.is_silence(),
            429 | 502 | 503 | 504 => true,
            500 => named(self.text(), "webhook", '"').is_none(),
            _ => false,
        }
    }

    /// Whether nothing answered at all.
    pub(crate) fn is_silence(&self) -> bool {
        !matches!(self.error, kube::Error::Api(_) | kube::Error::SerdeError(_))
    }

    /// Whether the namespace is being deleted, in which nothing new is taken.
    pub(crate) fn is_terminating(&self) -> bool {
        self.text().contains("because it is being terminated")
    }

    fn text(&self) -> &str {
        match &self.error {
            kube::Error::Api(status) => &status.message,
            _ => "",
        }
    }
}

/// What stands in the way, for a message.
impl fmt::Display for ApiError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { asked, of, .. } = self;
        let what = match self.rule() {
            Some(rule) => rule,
            None => self.by_code(),
        };
        write!(f, "cannot {asked} {of}: {what}")?;
        match self.code() {
            0 => Ok(()),
            code => write!(f, " (HTTP {code})"),
        }
    }
}

impl ApiError {
    /// The rule of the cluster that stands in the way, by its name where the text gives one.
    fn rule(&self) -> Option<String> {
        let text = self.text();
        if self.is_terminating() {
            return Some("the namespace is being deleted".to_owned());
        }
        if text.contains("exceeded quota") {
            let name = named(text, "exceeded quota:", ' ').map(|name| format!(" {name}"));
            return Some(format!("the resource quota{} is used up", name.unwrap_or_default()));
        }
        if let Some(name) = named(text, "webhook", '"') {
            return Some(match self.code() {
                500 => format!("the admission webhook {name} does not answer"),
                _ => format!("the admission webhook {name} denies it"),
            });
        }
        named(text, "ValidatingAdmissionPolicy", '\'')
            .map(|name| format!("the ValidatingAdmissionPolicy {name} denies it"))
    }

    fn by_code(&self) -> String {
        match self.code() {
            0 if self.is_silence() => "the API server does not answer",
            0 => "the API server's answer cannot be read",
            403 if self.text().contains(" cannot ") => "the role does not allow it",
            403 => "an admission rule forbids it",
            404 => "the namespace or object does not exist",
            409 => "somebody else wrote at the same time",
            413 => "the object is too large for the API server",
            422 => "an admission rule forbids it",
            429 => "the API server is busy",
            500..=599 => "the API server is out of order",
            _ => "the API server refuses it",
        }
        .to_owned()
    }
}

/// The name in quotes, or up to the next comma, that follows a phrase: only what a name of Kubernetes can be, so that
/// nothing else of a text gets out.
fn named<'a>(text: &'a str, phrase: &str, quote: char) -> Option<&'a str> {
    let (_, rest) = text.split_once(phrase)?;
    let rest = rest.strip_prefix(' ')?;
    let name = match quote {
        ' ' => rest.split([',', ' ']).next()?,
        quote => rest.strip_prefix(quote)?.split(quote).next()?,
    };
    let plain = |b: u8| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-' || b == b'.';
    ((1..=253).contains(&name.len()) && name.bytes().all(plain)).then_some(name)
}

/// The HTTP status of an error; 0 when no answer came.
pub(crate) fn code(error: &kube::Error) -> u16 {
    match error {
        kube::Error::Api(status) => status.code,
        _ => 0,
    }
}

#[cfg(test)]
mod tests {
    use kube::core::Status;

    use super::*;

    fn said(code: u16, text: &str) -> String {
        let status = Status { code, message: text.into(), ..Status::default() };
        let error = kube::Error::Api(Box::new(status));
        ApiError::new("update the Secret", "prod/db", error).to_string()
    }

    #[test]
    fn what_stands_in_the_way_is_named_and_nothing_else_of_the_text_gets_out() {
        for (code, text, end) in [
            (
                403,
                "secrets \"db\" is forbidden: User \"x\" cannot update resource",
                "the role does not allow it (HTTP 403)",
            ),
            (
                403,
                "secrets \"db\" is forbidden: exceeded quota: few, requested: secrets=1",
                "the resource quota few is used up (HTTP 403)",
            ),
            (
                400,
                "admission webhook \"check.example.com\" denied the request: canary",
                "the admission webhook check.example.com denies it (HTTP 400)",
            ),
            (
                500,
                "failed calling webhook \"check.example.com\": canary",
                "the admission webhook check.example.com does not answer (HTTP 500)",
            ),
            (
                422,
                "ValidatingAdmissionPolicy 'no-db' with binding 'b' denied request: canary",
                "the ValidatingAdmissionPolicy no-db denies it (HTTP 422)",
            ),
            (403, "webhook \"a canary\" and more", "an admission rule forbids it (HTTP 403)"),
            (500, "canary", "the API server is out of order (HTTP 500)"),
        ] {
            assert_eq!(said(code, text), format!("cannot update the Secret prod/db: {end}"));
        }
    }
}
