//! A user and a password, and the docker config that the kubelet reads them from.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde::Serialize;
use zeroize::Zeroizing;

use super::{Registry, RegistryError};
use crate::secret::SecretValue;

/// The user of Google's registry whose password is a key file in base64.
const GOOGLE_USER: &str = "_json_key_base64";
/// How the users of Google's key files begin: `_json_key` takes the file as it is, of many lines.
const GOOGLE_USERS: &str = "_json_key";
/// Users whose passwords are tokens that end by themselves, and what stays instead. Sources: the manuals of Amazon ECR
/// ("private registry authentication"), Artifact Registry ("access token"), Azure Container Registry (`az acr login
/// --expose-token`) and GitLab ("CI/CD job token").
const SHORT_LIVED: [(&str, &str); 4] = [
    (
        "AWS",
        "a token of Amazon's registry, which ends 12 hours after it was made: no file in Git can keep it; the kubelet's ecr-credential-provider makes new ones",
    ),
    (
        "oauth2accesstoken",
        "an access token of Google's, which ends an hour after it was made; --gar-key FILE takes the key of a service account, which stays",
    ),
    (
        "00000000-0000-0000-0000-000000000000",
        "a token of Azure's registry, which ends 3 hours after it was made; a token of the registry's own (`az acr token create`) or a service principal stays",
    ),
    ("gitlab-ci-token", "a token of one job of GitLab, which ends with it; a deploy token stays"),
];
const GAR_KEY: &str = "--gar-key FILE takes the key file itself";

/// A user of a registry. Prints without the password.
#[derive(Clone, Debug)]
pub struct Login {
    username: String,
    password: SecretValue,
}

/// The one docker config: nothing else has a place in it.
#[derive(Serialize)]
struct Config<'a> {
    auths: Auths<'a>,
}

struct Auths<'a> {
    key: &'a str,
    entry: Entry<'a>,
}

#[derive(Serialize)]
struct Entry<'a> {
    username: &'a str,
    password: &'a str,
    auth: &'a str,
}

impl Serialize for Auths<'_> {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_map([(self.key, &self.entry)])
    }
}

impl Login {
    /// A user and a password that a docker config can hold, and that is a password.
    pub fn new(username: &str, password: SecretValue) -> Result<Self, RegistryError> {
        check_username(username)?;
        check_password(username, password.expose())?;
        Ok(Self { username: username.to_owned(), password })
    }

    /// The user of Google's registry, from the key file of a service account.
    pub fn of_service_account(key_file: &[u8]) -> Result<Self, RegistryError> {
        if !is_service_account(key_file) {
            return Err(RegistryError::new(
                "the key file is no key of a Google service account: JSON with \"type\": \"service_account\"",
                "`gcloud iam service-accounts keys create FILE --iam-account=ACCOUNT` makes one; it is taken as it is, without base64",
            ));
        }
        let password = SecretValue::from(STANDARD.encode(key_file).into_bytes());
        Ok(Self { username: GOOGLE_USER.to_owned(), password })
    }

    /// The user's name, which is no secret.
    pub fn username(&self) -> &str {
        &self.username
    }

    /// What is taken and may not be meant: a password that ends by itself soon, told by the user's name alone, and one that
    /// was copied with a blank.
    pub fn warnings(&self) -> Vec<String> {
        let mut warnings = Vec::new();
        if let Some((user, what)) = SHORT_LIVED.iter().find(|(user, _)| *user == self.username) {
            warnings.push(format!("the password of {user} is {what}"));
        }
        let is_blank = |byte: Option<&u8>| matches!(byte, Some(b' ' | b'\t'));
        let password = self.password.expose();
        if is_blank(password.first()) || is_blank(password.last()) {
            warnings.push(
                "the password begins or ends with a blank, which is sealed with it".to_owned(),
            );
        }
        warnings
    }

    /// The docker config with this user for `registry`.
    pub fn config(&self, registry: &Registry) -> SecretValue {
        let password = std::str::from_utf8(self.password.expose())
            .expect("`new` refuses what is no UTF-8, and base64 is text");
        let pair = Zeroizing::new(format!("{}:{password}", self.username));
        let auth = Zeroizing::new(STANDARD.encode(pair.as_bytes()));
        let entry = Entry { username: &self.username, password, auth: &auth };
        let config = Config { auths: Auths { key: registry.key(), entry } };
        // Large enough from the start, so that growing leaves no copy behind: JSON writes a character as at most six.
        let room = 6 * (pair.len() + registry.key().len()) + auth.len() + 64;
        let mut json = Zeroizing::new(Vec::with_capacity(room));
        serde_json::to_writer(&mut *json, &config).expect("strings are JSON, and a Vec takes all");
        SecretValue::from(std::mem::take(&mut *json))
    }
}

fn check_username(username: &str) -> Result<(), RegistryError> {
    if username.is_empty() {
        return Err(RegistryError::new("the user has no name", "--username USER"));
    }
    if username.contains(':') {
        return Err(RegistryError::new(
            "the user's name has a :, where the kubelet takes the password to begin",
            "a password is never named with the user: it comes by standard input, --password-file or a prompt",
        ));
    }
    if username.trim() != username {
        return Err(RegistryError::new(
            "the user's name begins or ends with a blank",
            "write it without",
        ));
    }
    if username.contains(char::is_control) {
        return Err(RegistryError::new(
            "the user's name has a line break or another control character",
            "--username USER, on one line",
        ));
    }
    Ok(())
}

fn check_password(username: &str, password: &[u8]) -> Result<(), RegistryError> {
    if password.is_empty() {
        return Err(RegistryError::new(
            "the password is empty",
            "did the command before the pipe fail? printf %s \"$PASSWORD\" | seal registry HOST --username USER",
        ));
    }
    if username == GOOGLE_USER && !is_encoded_account(password) {
        return Err(RegistryError::new(
            format!(
                "the password of {GOOGLE_USER} is no key file of a service account in base64, on one line"
            ),
            GAR_KEY,
        ));
    }
    if username == GOOGLE_USERS && !is_service_account(password) {
        return Err(RegistryError::new(
            format!("the password of {GOOGLE_USERS} is no key file of a service account"),
            GAR_KEY,
        ));
    }
    text_problem(username, password).map_or(Ok(()), |(what, hint)| {
        Err(RegistryError::new(format!("the password {what}"), hint))
    })
}

/// Why bytes are no text that a login carries, and what to do about it.
fn text_problem(username: &str, password: &[u8]) -> Option<(&'static str, &'static str)> {
    if password.contains(&b'\n') || password.contains(&b'\r') {
        let hint = match username.starts_with(GOOGLE_USERS) {
            true => GAR_KEY,
            false => "printf %s leaves it out; --trim takes the one at its end off",
        };
        Some(("has a line break, and every login with it would fail", hint))
    } else if password.starts_with(b"\xef\xbb\xbf") {
        Some((
            "begins with a byte order mark, and every login with it would fail",
            "PowerShell's pipes and > add one: --prompt takes the password as it is typed",
        ))
    } else if password.contains(&0) {
        Some(("has a NUL byte, which no login can carry", "it is UTF-16, or no password at all"))
    } else if std::str::from_utf8(password).is_err() {
        Some((
            "is no UTF-8 text, and a docker config holds nothing else",
            "`iconv -f latin1 -t utf-8` makes text of it, if it is in Latin-1",
        ))
    } else {
        None
    }
}

fn is_encoded_account(password: &[u8]) -> bool {
    let decoded = STANDARD.decode(password).map(Zeroizing::new);
    decoded.is_ok_and(|json| is_service_account(&json))
}

/// Of the key file only its type is read.
fn is_service_account(json: &[u8]) -> bool {
    #[derive(serde::Deserialize)]
    struct KeyFile<'a> {
        #[serde(rename = "type", borrow)]
        type_: std::borrow::Cow<'a, str>,
    }
    serde_json::from_slice::<KeyFile<'_>>(json).is_ok_and(|file| file.type_ == "service_account")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn login(username: &str, password: &str) -> Result<Login, RegistryError> {
        Login::new(username, password.as_bytes().into())
    }

    #[test]
    fn the_docker_config_is_json_whatever_the_password() {
        let registry = Registry::parse("https://index.docker.io/v1/").unwrap();
        for password in ["hunter2", "a:b", "q\"uo\\te", "ü漢", "$HOME `id` %s"] {
            let config = login("u", password).unwrap().config(&registry);
            let json: serde_json::Value = serde_json::from_slice(config.expose()).unwrap();
            let auth = STANDARD.encode(format!("u:{password}"));
            let entry = serde_json::json!({"username": "u", "password": password, "auth": auth});
            let key = "https://index.docker.io/v1/";
            assert_eq!(json, serde_json::json!({"auths": {key: entry}}));
        }
    }

    #[test]
    fn no_password_that_could_not_be_one_is_taken() {
        for (username, password, why) in [
            ("", "p", "no name"),
            ("a:b", "p", "has a :"),
            ("a\nb", "p", "control character"),
            (" a", "p", "a blank"),
            ("_json_key", "pw", "no key file"),
            ("a", "", "is empty"),
            ("a", "p\n", "a line break"),
            ("a", "p\r", "a line break"),
            ("a", "p\0q", "a NUL byte"),
            ("a", "\u{feff}p", "a byte order mark"),
            ("_json_key_base64", "{}", "in base64"),
            ("_json_key_base64", "eyJ0eXBlIjoiYSJ9", "in base64"),
        ] {
            let error = login(username, password).expect_err(why);
            assert!(error.message.contains(why), "{error:?}");
        }
        let latin = Login::new("a", SecretValue::from(vec![0xfc])).unwrap_err();
        assert!(latin.message.contains("no UTF-8"));
        let google = login("_json_key", "{\n}").unwrap_err();
        assert!(google.hint.contains("--gar-key"));
    }

    #[test]
    fn a_user_whose_passwords_are_tokens_of_hours_is_told_what_stays() {
        for (user, stays) in [
            ("AWS", "ecr-credential-provider"),
            ("oauth2accesstoken", "--gar-key"),
            ("00000000-0000-0000-0000-000000000000", "az acr token create"),
            ("gitlab-ci-token", "deploy token"),
        ] {
            let warning = login(user, "p").unwrap().warnings().join("");
            assert!(warning.contains(stays), "{warning}");
        }
        assert_eq!(login("me", "p").unwrap().warnings(), Vec::<String>::new());
        assert!(login("me", "p ").unwrap().warnings()[0].contains("a blank"));
    }

    #[test]
    fn googles_key_file_is_encoded_on_one_line() {
        let file =
            format!("{{\n  \"type\": \"service_account\",\n  \"x\": \"{}\"\n}}\n", "k".repeat(900));
        let login = Login::of_service_account(file.as_bytes()).unwrap();
        assert_eq!(login.username(), "_json_key_base64");
        assert_eq!(login.password.expose(), STANDARD.encode(&file).as_bytes());
        assert!(Login::new(login.username(), login.password.clone()).is_ok());
        for wrong in ["", "{", "[]", "{\"type\":\"authorized_user\"}", "{\"type\":1}"] {
            assert!(Login::of_service_account(wrong.as_bytes()).is_err(), "{wrong}");
        }
    }
}
