//! The API server's errors in our own words. Its texts can quote a Secret's fields, so none of them is ever passed
//! on: a text is only searched for two phrases, and the HTTP status says the rest.

/// The HTTP status of an error; 0 when no answer came.
pub(crate) fn code(error: &kube::Error) -> u16 {
    match error {
        kube::Error::Api(status) => status.code,
        _ => 0,
    }
}

/// What stands in the way, for a message.
pub(crate) fn sentence(error: &kube::Error) -> String {
    let kube::Error::Api(status) = error else {
        return "the API server did not answer".to_owned();
    };
    let text = &status.message;
    let what = if text.contains("because it is being terminated") {
        "the namespace is being deleted"
    } else if text.contains("exceeded quota") {
        "a resource quota of the namespace is used up"
    } else {
        match status.code {
            403 => "the API server forbids the write: a missing permission or an admission rule",
            404 => "the namespace or object does not exist",
            409 => "somebody else wrote at the same time",
            413 => "the object is too large for the API server",
            422 => "an admission rule forbids the write",
            429 | 503 | 504 => "the API server is busy or not available",
            _ => "the API server refused the write",
        }
    };
    format!("{what} (HTTP {})", status.code)
}

/// Whether the API server judged the Secret itself to be wrong: no retry will help.
///
/// Its own validation names fields. A ValidatingAdmissionPolicy or webhook that denies with the same status names none,
/// and may be changed.
pub(crate) fn is_invalid(error: &kube::Error) -> bool {
    let kube::Error::Api(status) = error else { return false };
    let causes = status.details.iter().flat_map(|details| &details.causes);
    status.code == 422 && causes.map(|cause| &cause.field).any(|field| !field.is_empty())
}

/// Whether the object was written by somebody else between our read and our write, or appeared or went.
pub(crate) fn is_race(error: &kube::Error) -> bool {
    code(error) == 409
}
