//! What stands between a client and its session, in protocols that begin in clear text: encryption that is offered, asked
//! for and agreed on (STARTTLS and its like), and the login in progress.

use super::sasl::{Coding, Sasl};
use super::{Out, Protocol};
use crate::message::{Direction, Disclosed, Login, Starttls};

/// The gate of one connection.
#[derive(Default)]
pub(super) struct Gate {
    starttls: Starttls,
    tls: Tls,
    sasl: Option<Sasl>,
    login: Option<Login>,
}

/// How far encryption got.
#[derive(Clone, Copy, Default, PartialEq, Eq)]
enum Tls {
    #[default]
    Not,
    Asked,
    Agreed,
}

impl Gate {
    /// The server offers encryption.
    pub(super) fn offer(&mut self) {
        if self.starttls == Starttls::Unseen {
            self.starttls = Starttls::Offered;
        }
    }

    /// The client asks for it.
    pub(super) fn ask(&mut self) {
        self.tls = Tls::Asked;
    }

    /// Whether the client asked for it and waits for an answer.
    pub(super) fn asked(&self) -> bool {
        self.tls == Tls::Asked
    }

    /// The server's answer. What follows a good one is TLS, with `protocol` inside.
    pub(super) fn answer(&mut self, yes: bool, protocol: &'static Protocol, out: &mut Out<'_>) {
        if yes {
            self.tls = Tls::Agreed;
            out.secure(protocol);
        } else {
            self.tls = Tls::Not;
            self.starttls = Starttls::Refused;
        }
    }

    /// Takes bytes that are not the protocol's own any more, but of the encryption inside; false before that. A client
    /// that has begun TLS was answered, even if that was not seen.
    pub(super) fn passes(
        &mut self,
        dir: Direction,
        bytes: &[u8],
        at: u64,
        protocol: &'static Protocol,
        out: &mut Out<'_>,
    ) -> bool {
        if self.tls == Tls::Asked && dir == Direction::Request && bytes.starts_with(&[22, 3]) {
            self.answer(true, protocol, out);
        }
        let agreed = self.tls == Tls::Agreed;
        if agreed {
            out.inner(dir, at, bytes);
        }
        agreed
    }

    /// The same of bytes that never arrived.
    pub(super) fn skips(&mut self, dir: Direction, len: u64, out: &mut Out<'_>) -> bool {
        let agreed = self.tls == Tls::Agreed;
        if agreed {
            out.inner_gap(dir, len);
        }
        agreed
    }

    /// The client logs in with SASL.
    pub(super) fn sasl(&mut self, mechanism: &[u8], out: &mut Out<'_>) {
        self.settle(None, out);
        self.sasl = Some(Sasl::new(mechanism));
    }

    /// Whether it does.
    pub(super) fn in_sasl(&self) -> bool {
        self.sasl.is_some()
    }

    /// The client's next message of SASL; "=" is an empty one, "*" takes the attempt back (RFC 4954 section 4).
    pub(super) fn response(&mut self, text: &[u8], at: u64, coding: Coding, out: &mut Out<'_>) {
        if text == b"*" && coding == Coding::Base64 {
            return self.settle(Some(false), out);
        }
        if let Some(sasl) = &mut self.sasl {
            let empty = text == b"=" && coding == Coding::Base64;
            sasl.message(if empty { b"" } else { text }, at, coding, out);
        }
    }

    /// The client logs in with a secret at layer offset `at`.
    pub(super) fn secret(&mut self, mechanism: &str, secret: &[u8], at: u64, out: &mut Out<'_>) {
        let disclosed = out.disclosed(secret);
        out.secret(Direction::Request, at, secret);
        self.login(mechanism, disclosed, at, out);
    }

    /// The client logs in with what discloses that.
    pub(super) fn login(&mut self, mechanism: &str, disclosed: Disclosed, at: u64, out: &mut Out<'_>) {
        self.settle(None, out);
        self.login = Some(out.attempt(mechanism, disclosed, Direction::Request, at));
    }

    /// Whether a login waits for an answer.
    pub(super) fn waits(&self) -> bool {
        self.sasl.is_some() || self.login.is_some()
    }

    /// The login, if there is one, was answered, or will not be.
    pub(super) fn settle(&mut self, accepted: Option<bool>, out: &mut Out<'_>) {
        let starttls = self.starttls;
        if let Some(sasl) = self.sasl.take() {
            sasl.end(accepted, starttls, out);
        }
        if let Some(login) = self.login.take() {
            out.login(Login { starttls, accepted, ..login });
        }
    }
}
