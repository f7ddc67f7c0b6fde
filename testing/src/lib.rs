//! A real API server for seal's tests, demo and benches: etcd, kube-apiserver and
//! kube-controller-manager on loopback.
//!
//! ```no_run
//! # use k8s_openapi::api::core::v1::Secret;
//! # async fn a_secret_appears() {
//! let Some(cluster) = seal_testing::cluster!() else { return }; // where tools are missing
//! let ns = cluster.namespace().await;
//! ns.create(Secret { metadata: seal_testing::named("db"), ..Default::default() }).await;
//! ns.eventually("the password is there", "db", |secret: &Secret| secret.data.is_some()).await;
//! # }
//! ```
//!
//! There is no kubelet, so a Pod never runs, and no webhook or aggregated API. What
//! `Cluster::shared` starts lives as long as the test process, even one that is killed, and nothing
//! of it stays on disk.
//!
//! May start processes, write to temporary directories and talk to the API server it started; never
//! reads `KUBECONFIG` or `~/.kube`. Fails by panicking, in the words of whoever reads a failed
//! test. Only tests, the demo and benches use it.

#![allow(clippy::panic, reason = "a test harness reports by panicking")]

mod access;
mod audit;
mod clients;
mod cluster;
mod control_plane;
mod daemon;
mod git;
mod git_server;
mod install;
mod namespace;
mod process;
pub mod programs;
mod proxy;
mod ssh_server;
pub mod tools;
mod wait;

pub use audit::Used;
pub use cluster::{Cluster, StartError};
pub use git::git;
pub use git_server::{Fault, GitServer};
pub use namespace::{Namespace, Object, named};
pub use process::Process;
pub use proxy::{Behaviour, Proxy};
pub use ssh_server::{SshServer, ssh_key};
pub use wait::{DEADLINE, eventually, eventually_gone, eventually_in, eventually_within};

/// The API server that all tests of this process share, or `None` after saying that this test is
/// skipped.
///
/// `let Some(cluster) = seal_testing::cluster!() else { return };`
#[macro_export]
macro_rules! cluster {
    () => {
        $crate::Cluster::shared($crate::test_name!()).await
    };
}

/// An API server of this test's own, which it may stop, restart or pause. Takes five seconds more
/// than [`cluster!`].
#[macro_export]
macro_rules! own_cluster {
    () => {
        $crate::Cluster::own($crate::test_name!()).await
    };
}

/// The path of a tool, or `None` after saying that this test is skipped: `let Some(age) =
/// tool!("age") else { return };`
#[macro_export]
macro_rules! tool {
    ($name:expr) => {
        $crate::tools::needed($name, $crate::test_name!())
    };
}

/// The directory of age's CCTV test vectors, or `None` after saying that this test is skipped.
#[macro_export]
macro_rules! cctv_age {
    () => {
        $crate::tools::needed_cctv_age($crate::test_name!())
    };
}

/// The name of the function this is written in: the thread's name is `main` under
/// `--test-threads=1`.
#[doc(hidden)]
#[macro_export]
macro_rules! test_name {
    () => {{
        fn here() {}
        let path = ::std::any::type_name_of_val(&here);
        path.trim_end_matches("::here").trim_end_matches("::{{closure}}")
    }};
}
