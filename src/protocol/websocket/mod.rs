//! WebSocket (RFC 6455) behind an upgrade, over HTTP/1 or HTTP/2 (RFC 8441): each message of data stands alone, unmasked,
//! its fragments joined and its compression (RFC 7692) undone.

mod deflate;
mod frame;
mod inside;

use super::{Dissector, Malformed, Out, Protocol, Upgrade, Upgraded, Verdict};
use crate::message::{Direction, End};
use deflate::{Broken, Inflate};
use frame::{CONTINUATION, Frame, unmask, whole};
use inside::{Inside, Message};

/// WebSocket.
pub(super) const PROTOCOL: Protocol = Protocol {
    name: "websocket",
    probe: |_| Verdict::No,
    open: || Box::new(WebSocket::default()),
    upgrade: Some(upgrade),
};

fn upgrade(upgrade: &Upgrade<'_>) -> Option<Upgraded> {
    let mut dissector = Box::new(WebSocket::default());
    dissector.inside = Inside::agreed(upgrade.response);
    if let Some(keeps) = deflate::agreed(upgrade.response) {
        for (half, keeps) in dissector.halves.iter_mut().zip(keeps) {
            half.deflate = Some(Deflate { keeps, ..Deflate::default() });
        }
    }
    let websocket = upgrade.token.eq_ignore_ascii_case(b"websocket");
    websocket.then_some(Upgraded { dissector, answers: false })
}

#[derive(Default)]
struct WebSocket {
    halves: [Half; 2],
    inside: Inside,
}

/// One direction.
#[derive(Default)]
struct Half {
    state: State,
    /// An incomplete frame header.
    header: [u8; Frame::LONGEST],
    have: usize,
    frame: Frame,
    /// Bytes of the payload so far.
    done: u64,
    /// The message in progress.
    message: Option<Message>,
    deflate: Option<Deflate>,
    plain: Vec<u8>,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum State {
    #[default]
    Header,
    Payload,
    /// Framing is lost, until a segment holds whole frames.
    Lost,
}

/// The compression that was agreed on for one direction.
#[derive(Default)]
struct Deflate {
    /// Messages may refer to those before them.
    keeps: bool,
    /// Messages were missed that others may refer to.
    lost: bool,
    inflate: Option<Inflate>,
}

/// Bytes that are unmasked at a time.
const PIECE: usize = 16 << 10;

impl Dissector for WebSocket {
    fn data(&mut self, dir: Direction, bytes: &[u8], out: &mut Out<'_>) -> Result<(), Malformed> {
        let (half, inside) = (&mut self.halves[dir.index()], &mut self.inside);
        let (mut rest, mut at) = (bytes, out.at());
        if half.state == State::Lost && whole(rest, dir) {
            out.opaque_end(dir);
            half.state = State::Header;
        }
        while !rest.is_empty() {
            let n = half.step(dir, rest, at, inside, out).min(rest.len());
            rest = &rest[n..];
            at += n as u64;
        }
        Ok(())
    }

    fn gap(&mut self, dir: Direction, len: u64, out: &mut Out<'_>) -> Result<(), Malformed> {
        let (half, inside) = (&mut self.halves[dir.index()], &mut self.inside);
        if half.state == State::Payload && half.done + len < half.frame.len {
            half.done += len;
            if let Some(message) = half.message.as_mut().filter(|_| !half.frame.is_control()) {
                message.hole(dir, len, inside, out);
                message.broken |= message.compressed;
                if message.broken {
                    half.lose();
                    out.weird("websocket_undecodable");
                }
            }
            return Ok(());
        }
        half.lose();
        half.finish(dir, End::Cut, inside, out);
        half.state = State::Lost;
        half.have = 0;
        inside.lose(dir, len, out);
        Ok(())
    }

    fn close(&mut self, dir: Direction, _: End, out: &mut Out<'_>) {
        let half = &mut self.halves[dir.index()];
        half.finish(dir, End::Cut, &mut self.inside, out);
        if half.deflate.take().is_some_and(|d| d.inflate.is_some()) {
            out.release(Inflate::BYTES);
        }
        half.state = State::Lost;
    }

    fn held(&self, _: Direction) -> u64 {
        u64::MAX
    }
}

impl Half {
    /// Takes some of `bytes` and returns how many; none at a change of state only.
    fn step(
        &mut self,
        dir: Direction,
        bytes: &[u8],
        at: u64,
        inside: &mut Inside,
        out: &mut Out<'_>,
    ) -> usize {
        match self.state {
            State::Header => self.header(dir, bytes, at, inside, out),
            State::Payload => {
                let left = self.frame.len - self.done;
                let n = left.min(bytes.len().min(PIECE) as u64) as usize;
                if !self.frame.is_control() {
                    self.payload(dir, &bytes[..n], at, inside, out);
                }
                self.done += n as u64;
                if self.done == self.frame.len {
                    self.end_frame(dir, at, inside, out);
                }
                n
            }
            State::Lost => {
                out.opaque(dir, at, bytes);
                bytes.len()
            }
        }
    }

    /// Bytes where a frame header is due.
    fn header(
        &mut self,
        dir: Direction,
        bytes: &[u8],
        at: u64,
        inside: &mut Inside,
        out: &mut Out<'_>,
    ) -> usize {
        let before = self.have;
        let n = (Frame::LONGEST - before).min(bytes.len());
        self.header[before..before + n].copy_from_slice(&bytes[..n]);
        let Some((frame, len)) = Frame::read(&self.header[..before + n]) else {
            self.have += n;
            return n;
        };
        self.have = 0;
        if !frame.valid() || frame.mask.is_some() != (dir == Direction::Request) {
            out.weird("websocket_bad_frame");
            if !frame.valid() {
                out.opaque(dir, at, &self.header[..before]);
                self.lose();
                self.finish(dir, End::Cut, inside, out);
                self.state = State::Lost;
                return 0;
            }
        }
        self.frame = frame;
        self.done = 0;
        self.state = State::Payload;
        let header = len.saturating_sub(before);
        if !frame.is_control() {
            self.begin(dir, at + header as u64, inside, out);
        }
        if frame.len == 0 {
            self.end_frame(dir, at, inside, out);
        }
        header
    }

    /// The first frame of a message, or another one.
    fn begin(&mut self, dir: Direction, at: u64, inside: &mut Inside, out: &mut Out<'_>) {
        let frame = self.frame;
        if frame.opcode == CONTINUATION && self.message.is_some() {
            return;
        }
        if self.message.is_some() || frame.opcode == CONTINUATION {
            // RFC 6455 section 5.4; or what came before was lost.
            out.weird("websocket_fragment");
            self.finish(dir, End::Cut, inside, out);
        }
        let mut message = Message::new(dir, at, inside, out);
        if frame.compressed {
            message.compressed = true;
            message.broken = !self.inflates(out);
        }
        self.message = Some(message);
    }

    /// Readies the decompressor for a message. False if it cannot be decompressed.
    fn inflates(&mut self, out: &mut Out<'_>) -> bool {
        let ready = match &mut self.deflate {
            None => false,
            Some(deflate) if deflate.keeps && deflate.lost => false,
            Some(deflate) => {
                if deflate.inflate.is_none() && out.reserve(Inflate::BYTES) {
                    deflate.inflate = Some(Inflate::new());
                }
                let keep = deflate.keeps;
                deflate.inflate.as_mut().map(|inflate| inflate.begin(keep)).is_some()
            }
        };
        if !ready {
            out.weird("websocket_undecodable");
            self.lose();
        }
        ready
    }

    /// Bytes of the message in progress.
    fn payload(&mut self, dir: Direction, bytes: &[u8], at: u64, inside: &mut Inside, out: &mut Out<'_>) {
        let Some(message) = self.message.as_mut().filter(|m| !m.broken) else { return };
        let plain = match self.frame.mask {
            Some(mask) => {
                self.plain.clear();
                self.plain.extend_from_slice(bytes);
                unmask(mask, self.done, &mut self.plain);
                &self.plain
            }
            None => bytes,
        };
        if !message.compressed {
            return message.deliver(dir, at, plain, inside, out);
        }
        out.packed(dir, at, plain, !std::mem::replace(&mut message.packed, true));
        let Some(inflate) = self.deflate.as_mut().and_then(|d| d.inflate.as_mut()) else { return };
        let result = inflate.push(plain, &mut |piece| message.derived(dir, at, piece, inside, out));
        self.settle(result, dir, inside, out);
    }

    fn end_frame(&mut self, dir: Direction, at: u64, inside: &mut Inside, out: &mut Out<'_>) {
        self.state = State::Header;
        if self.frame.is_control() || !self.frame.fin {
            return;
        }
        if let Some(message) = self.message.as_mut().filter(|m| m.compressed && !m.broken)
            && let Some(inflate) = self.deflate.as_mut().and_then(|d| d.inflate.as_mut())
        {
            let result = inflate.end(&mut |piece| message.derived(dir, at, piece, inside, out));
            self.settle(result, dir, inside, out);
        }
        let whole = self.message.as_ref().is_some_and(|m| !m.broken);
        self.finish(dir, if whole { End::Complete } else { End::Cut }, inside, out);
    }

    fn settle(&mut self, result: Result<(), Broken>, dir: Direction, inside: &mut Inside, out: &mut Out<'_>) {
        let Err(broken) = result else { return };
        out.weird(if broken == Broken::Bomb { "content_bomb" } else { "websocket_undecodable" });
        self.lose();
        if let Some(message) = &mut self.message {
            message.broken = true;
            message.hole(dir, 1, inside, out);
        }
    }

    /// Bytes were not decompressed that later ones may refer to.
    fn lose(&mut self) {
        if let Some(deflate) = &mut self.deflate {
            deflate.lost = true;
        }
    }

    fn finish(&mut self, dir: Direction, end: End, inside: &mut Inside, out: &mut Out<'_>) {
        if let Some(message) = self.message.take() {
            message.end(dir, end, inside, out);
        }
    }
}
