//! Records.

mod credentials;
mod mask;
pub use mask::{mask, mask_field, mask_target};
