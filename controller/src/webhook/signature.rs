//! Whether a delivery is signed with a token: pure, and the only thing that is done with a body.

use crate::mac;

/// Whether a delivery is signed with the token. The first header that is there decides.
///
/// GitHub: `X-Hub-Signature-256`, which Gitea and Forgejo send too; their own are `X-Gitea-Signature` and
/// `X-Forgejo-Signature`. GitLab: `X-Gitlab-Token`, the token itself.
pub(crate) fn is_right<'h>(
    token: &[u8],
    header: impl Fn(&str) -> Option<&'h [u8]>,
    body: &[u8],
) -> bool {
    if let Some(signature) = header("x-hub-signature-256") {
        return signature.strip_prefix(b"sha256=").is_some_and(|hex| is_signed(token, hex, body));
    }
    if let Some(signature) = header("x-gitea-signature").or_else(|| header("x-forgejo-signature")) {
        return is_signed(token, signature, body);
    }
    // By their digests, so that not even the length of the token shows in the time.
    header("x-gitlab-token")
        .is_some_and(|sent| mac::is_same(&mac::sha256(sent), &mac::sha256(token)))
}

fn is_signed(token: &[u8], hex: &[u8], body: &[u8]) -> bool {
    let digit = |c: u8| char::from(c).to_digit(16).and_then(|it| u8::try_from(it).ok());
    if hex.len() != 64 {
        return false;
    }
    let tag: Option<Vec<u8>> =
        hex.chunks(2).map(|pair| Some(digit(pair[0])? * 16 + digit(pair[1])?)).collect();
    tag.is_some_and(|tag| mac::is_sha256(token, body, &tag))
}

#[cfg(test)]
mod tests {
    use super::*;

    const TOKEN: &[u8] = b"It's a Secret to Everybody";

    #[test]
    fn a_delivery_is_right_as_each_forge_signs_it() {
        let is_right = |name: &str, value: &str, body: &[u8]| {
            is_right(TOKEN, |asked| (asked == name).then_some(value.as_bytes()), body)
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
