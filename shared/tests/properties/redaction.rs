//! What holds a secret prints as `[redacted]` and cannot be serialised.

use seal_core::key::{Identity, KeyError, Recipient};
use seal_core::manifest;

use super::{Keyring, Manifest, Opened, SecretValue, db, key, opened, sealed, values};

const CANARY: &str = "canary-5d41402a";

#[test]
fn what_holds_a_secret_does_not_print_it() {
    let (keyring, to) = key();
    let text = format!(
        "---\n{{apiVersion: v1, kind: Secret, metadata: {{name: db}}, stringData: {{k: {CANARY}}}}}"
    );
    let manifest = manifest::read(&text, &Default::default()).unwrap().remove(0);
    assert_eq!(manifest.values["k"].expose(), CANARY.as_bytes());
    let opened = opened(&sealed(values(&[("k", CANARY.as_bytes())]), db(), &to), &keyring).unwrap();
    for identity in [Identity::generate(), Identity::generate_classic()] {
        let secret = identity.to_secret_text();
        let own = secret.expose().to_owned();
        let keyring: Keyring = Identity::parse_file(&own).unwrap().into_iter().collect();
        let printed = format!("{identity:?} {secret:?} {keyring:?} {:#?}", identity);
        assert!(!printed.contains("SECRET") && !printed.contains(&own[20..40]), "{printed}");
        assert!(printed.contains("[redacted]"));
    }
    let printed =
        format!("{manifest:?} {manifest:#?} {opened:?} {opened:#?} {:?}", manifest.values["k"]);
    assert!(printed.contains("[redacted]"));
    assert!(!printed.contains(CANARY) && !printed.contains(&format!("{:?}", CANARY.as_bytes())));
}

#[test]
fn a_private_key_in_the_wrong_place_is_named_and_not_repeated() {
    for identity in [Identity::generate(), Identity::generate_classic()] {
        let secret = identity.to_secret_text();
        let error = secret.expose().parse::<Recipient>().unwrap_err();
        assert_eq!(error, KeyError::PrivateKey);
        assert_eq!(secret.expose().to_lowercase().parse::<Recipient>().unwrap_err(), error);
        let cut = &secret.expose()[..60];
        let error = Identity::parse_file(&format!("# mine\n{cut}\n")).unwrap_err();
        assert_eq!(error, KeyError::DamagedIdentity(2));
        assert!(!format!("{error} {error:?}").contains(&cut[20..]));
    }
}

/// `<T as NotSerialize<_>>::holds` names one function when `T` is not `Serialize`, and two, which does not
/// compile, when it is.
trait NotSerialize<Ambiguous> {
    fn holds() {}
}
struct IfSerialize;
impl<T: ?Sized> NotSerialize<()> for T {}
impl<T: ?Sized + serde::Serialize> NotSerialize<IfSerialize> for T {}

trait NotClone<Ambiguous> {
    fn holds() {}
}
struct IfClone;
impl<T: ?Sized> NotClone<()> for T {}
impl<T: Clone> NotClone<IfClone> for T {}

#[test]
fn what_holds_a_secret_cannot_be_serialised() {
    <SecretValue as NotSerialize<_>>::holds();
    <Identity as NotSerialize<_>>::holds();
    <seal_core::key::SecretText as NotSerialize<_>>::holds();
    <Keyring as NotSerialize<_>>::holds();
    <Manifest as NotSerialize<_>>::holds();
    <Opened as NotSerialize<_>>::holds();
    <Identity as NotClone<_>>::holds();
    <Opened as NotClone<_>>::holds();
}
