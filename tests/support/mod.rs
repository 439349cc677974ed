//! What several tests share.

pub(crate) mod case;
pub(crate) mod run;
pub(crate) mod tree;
