//! Credentials of a container registry, as the kubelet finds them: the one docker config for each registry, and what of
//! another one it would never find, or choke on.
//!
//! The rules are those of `pkg/credentialprovider` of Kubernetes 1.36, which asks a docker config for each image by host and
//! path. `cli/tests/interop` holds them against that code. Pure: no registry is asked whether it takes the credentials.

mod config;
mod error;
mod host;
mod json;
mod login;

pub use config::{Shape, check, login_of};
pub use error::RegistryError;
pub use host::Registry;
pub use login::Login;

/// Type of a Secret whose docker config the kubelet reads, and the key that it stands under.
pub const CONFIG_TYPE: &str = "kubernetes.io/dockerconfigjson";
/// See [`CONFIG_TYPE`].
pub const CONFIG_KEY: &str = ".dockerconfigjson";
