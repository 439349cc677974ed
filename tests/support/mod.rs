//! What several tests share.

pub(crate) mod case;
pub(crate) mod child;
pub(crate) mod mangle;
#[cfg(all(feature = "live", target_os = "linux"))]
pub(crate) mod namespace;
pub(crate) mod needs;
pub(crate) mod observe;
pub(crate) mod pcapng;
pub(crate) mod repository;
pub(crate) mod run;
pub(crate) mod schema;
pub(crate) mod tree;
pub(crate) mod wire;
pub(crate) mod xml;
