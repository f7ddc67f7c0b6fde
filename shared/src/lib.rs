//! The sealed-file format of seal, and nothing else: no file, clock, network or async.
//!
//! ```text
//! text ─ manifest ─ seal ─ kind ─ text … text ─ kind ─ check ─ allowed ─ open ─ values ─ layout
//!                    └─ crypto · key · place · secret ────────────────────┘
//! ```
//!
//! A Secret manifest becomes a [`manifest::Manifest`], [`seal::seal`] makes a [`kind::sealed::SealedSecret`] of it
//! with public keys alone, [`open::check::check`] says what can be said without a key,
//! [`open::check::Checked::allowed`] refuses what is reserved or not granted, and [`open::open`] is the one door to
//! plaintext.
//!
//! ```
//! use seal_core::{key::{Identity, Keyring}, kind::file, manifest, open::{allowed::Grants, check::check, open}, place::{Place, Scope}, seal};
//!
//! let identity = Identity::generate();
//! let recipients = [identity.recipient().parse()?];
//! let text = "---\n{apiVersion: v1, kind: Secret, metadata: {name: db, namespace: prod}, stringData: {password: hunter2}}";
//! let manifest = manifest::read(text, &Default::default())?.remove(0);
//! let place = Place::new("prod", "db")?;
//! let sealed = seal::seal(manifest, &place, Scope::of(&place), &Default::default(), &recipients)?;
//! let yaml = file::write(&sealed); // safe to commit
//!
//! let keyring: Keyring = [identity].into_iter().collect();
//! let opened = open(&check(&sealed)?.allowed(&Grants::default())?, &keyring)?;
//! assert_eq!(opened.values["password"].expose(), b"hunter2");
//! # assert!(!yaml.contains("hunter2"));
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

pub mod backup;
mod crypto;
pub mod escape;
pub mod exit_code;
mod fields;
pub mod identity_file;
pub mod key;
pub mod kind;
pub mod layout;
pub mod manifest;
pub mod merge;
pub mod metadata;
pub mod names;
pub mod open;
pub mod place;
pub mod policy_file;
pub mod preset;
pub mod pull_secret;
pub mod reason;
pub mod recall;
pub mod registry;
pub mod seal;
pub mod secret;
pub mod secret_type;
pub mod text;
pub mod tree;
mod yaml;

pub use escape::escaped;
pub use yaml::{Copies, Problem, ReadError};
