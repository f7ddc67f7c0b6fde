//! Whether a delivery is signed with a token: pure, and the only thing that is done with a body.

use crate::mac::{self, Hmac};

/// Bytes of an HMAC-SHA-256.
const TAG: usize = 32;

/// A delivery that is looked at while its body arrives.
///
/// The first header that is there decides. GitHub: `X-Hub-Signature-256`, which Gitea and Forgejo send too; their own are
/// `X-Gitea-Signature` and `X-Forgejo-Signature`. GitLab: `X-Gitlab-Token`, the token itself.
pub(crate) enum Check {
    /// It is said to be signed with this tag.
    Signed { sum: Box<Hmac>, tag: [u8; TAG] },
    /// It is right, or is not, whatever its body says.
    Known(bool),
}

impl Check {
    pub(crate) fn begin<'h>(token: &[u8], header: impl Fn(&str) -> Option<&'h [u8]>) -> Self {
        if let Some(signature) = header("x-hub-signature-256") {
            return Self::signed(token, signature.strip_prefix(b"sha256=").unwrap_or_default());
        }
        if let Some(hex) = header("x-gitea-signature").or_else(|| header("x-forgejo-signature")) {
            return Self::signed(token, hex);
        }
        // By their digests, so that not even the length of the token shows in the time.
        let is_token = |sent| mac::is_same(&mac::sha256(sent), &mac::sha256(token));
        Self::Known(header("x-gitlab-token").is_some_and(is_token))
    }

    fn signed(token: &[u8], hex: &[u8]) -> Self {
        match tag(hex) {
            Some(tag) => Self::Signed { sum: Box::new(Hmac::begin(token)), tag },
            None => Self::Known(false),
        }
    }

    /// The next part of its body.
    pub(crate) fn take(&mut self, part: &[u8]) {
        if let Self::Signed { sum, .. } = self {
            sum.take(part);
        }
    }

    /// Whether it is right, once all of its body was taken.
    pub(crate) fn was_right(self) -> bool {
        match self {
            Self::Signed { sum, tag } => sum.is(&tag),
            Self::Known(is_right) => is_right,
        }
    }
}

fn tag(hex: &[u8]) -> Option<[u8; TAG]> {
    let mut tag = [0; TAG];
    hex::decode_to_slice(hex, &mut tag).ok().map(|()| tag)
}

#[cfg(test)]
mod tests {
    use super::*;

    const TOKEN: &[u8] = b"It's a Secret to Everybody";

    #[test]
    fn a_delivery_is_right_as_each_forge_signs_it() {
        let is_right = |name: &str, value: &str, body: &[u8]| {
            let header = |asked: &str| (asked == name).then_some(value.as_bytes());
            let mut check = Check::begin(TOKEN, header);
            // As it may arrive.
            body.chunks(3).for_each(|part| check.take(part));
            check.was_right()
        };
        // The example of GitHub's page "Validating webhook deliveries".
        let signature = "757107ea0eb2509fc211221cce984b8a37570b6d7586c22c46f4379c8b043e17";
        let body = b"Hello, World!";
        let hub = format!("sha256={signature}");
        assert!(is_right("x-hub-signature-256", &hub, body));
        assert!(is_right("x-gitea-signature", signature, body));
        assert!(is_right("x-forgejo-signature", signature, body));
        assert!(is_right("x-gitlab-token", "It's a Secret to Everybody", body));
        for (name, value, body) in [
            ("x-hub-signature-256", hub.as_str(), &b"Hello, World"[..]),
            ("x-hub-signature-256", signature, body),
            ("x-hub-signature-256", "sha256=", body),
            ("x-hub-signature", "sha1=01dc10d0c83e72ed246219cdd91669667fe2ca59", body),
            ("x-gitea-signature", "", body),
            ("x-gitea-signature", &signature[2..], body),
            ("x-gitlab-token", "It's a Secret to Everybod", body),
            ("x-gitlab-token", "", body),
            ("authorization", "It's a Secret to Everybody", body),
        ] {
            assert!(!is_right(name, value, body), "{name}: {value}");
        }
    }
}
