//! Which stanzas a header may have: no passphrase, the right shape, no weak one beside a strong one.

use super::header::Header;
use super::recipient::{STANZA, share};

/// Type of the stanzas of age's classical recipients, which the `age` crate makes and opens.
const CLASSIC_STANZA: &str = "X25519";

/// The stanzas of the types that are ours have their types' shape, and classical and post-quantum ones
/// never stand in one header: the weaker one would decide who can read it.
pub(crate) fn check_stanzas(header: &Header) -> Result<(), &'static str> {
    let (mut hybrid, mut classic) = (false, false);
    for stanza in header.stanzas() {
        match stanza.tag.as_str() {
            "scrypt" => {
                return Err(
                    "the header has a passphrase stanza, and no passphrase is ever asked for",
                );
            }
            STANZA if share(stanza).is_none() => {
                return Err("a mlkem768x25519 stanza does not have that type's shape");
            }
            STANZA => hybrid = true,
            CLASSIC_STANZA => classic = true,
            _ => {}
        }
    }
    if hybrid && classic {
        return Err("the header mixes mlkem768x25519 and X25519 stanzas");
    }
    Ok(())
}
