//! What is asked of Linux besides files and interfaces: signals as values, the children of a command, whose a socket is, a
//! network of one's own, fewer rights.

mod network;
mod owners;
mod privileges;
mod processes;
mod sandbox;
mod signals;
mod sockets;

pub use network::{NoNetwork, own_network};
pub use owners::{Owner, Owners};
pub use privileges::drop_capabilities;
pub use processes::{Ending, Family};
pub use sandbox::{Allowed, confine};
pub use signals::{Came, Signals};
