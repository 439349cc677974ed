//! What dissectors may do with what they find.

use super::inner::Inner;
use super::{Carrier, Protocol, Sink, TlsEvent, Trail, Upgrade};
use crate::keylog::Keyring;
use crate::message::{
    Channel, Direction, Disclosed, End, ExchangeId, Field, Head, Known, Location, Login, Position, Start,
    Starttls, Transport, Version,
};
use crate::time::Timestamp;
use std::sync::Arc;

/// What a dissector may do.
pub struct Out<'a> {
    pub(super) sink: &'a mut dyn Sink,
    pub(super) transport: &'a Transport,
    pub(super) trails: &'a [Trail; 2],
    pub(super) inner: &'a mut Inner,
    pub(super) via: Option<ExchangeId>,
    pub(super) depth: usize,
    pub(super) at: u64,
    pub(super) consumed: u64,
    pub(super) next_id: &'a mut u64,
    /// What encryption in this layer carries, if the layer around it knows.
    pub(super) carries: Option<&'static Protocol>,
    pub(super) datagram: bool,
}

impl<'a> Out<'a> {
    fn carrier(&self) -> Carrier<'a> {
        let (transport, trails, via, datagram) = (self.transport, self.trails, self.via, self.datagram);
        Carrier { transport, trails, via, datagram }
    }

    /// Layer offset of the first byte that [`super::Dissector::data`] was given.
    pub fn at(&self) -> u64 {
        self.at
    }

    /// Says that everything before layer offset `at` has been emitted, in case of [`super::Malformed`].
    pub fn consumed(&mut self, at: u64) {
        self.consumed = at;
    }

    /// When the byte at layer offset `at` was captured.
    pub fn time(&self, dir: Direction, at: u64) -> Timestamp {
        self.position(dir, at).time
    }

    /// Where the byte at layer offset `at` was captured.
    pub fn position(&self, dir: Direction, at: u64) -> Position {
        self.trails[dir.index()].position(at)
    }

    /// What is remembered of the head of HTTP/1 that these bytes begin with.
    pub fn recall(&self, dir: Direction, bytes: &[u8]) -> Known {
        self.sink.recall(dir == Direction::Request, bytes)
    }

    /// Begins a request of a new exchange.
    pub fn begin(&mut self, head: &Head<'_>) -> ExchangeId {
        let id = ExchangeId(*self.next_id);
        *self.next_id += 1;
        self.begin_in(id, head);
        id
    }

    /// Begins a message of an exchange that is there already: its response.
    pub fn begin_in(&mut self, id: ExchangeId, head: &Head<'_>) {
        let carrier = self.carrier();
        self.sink.begin(carrier, id, head);
    }

    /// The next bytes of a body, from layer offset `at`.
    pub fn body(&mut self, id: ExchangeId, dir: Direction, at: u64, bytes: &[u8]) {
        let carrier = self.carrier();
        self.sink.body(carrier, id, dir, at, bytes);
    }

    /// What the next bytes of a body are compressed to, from layer offset `at`; with the first of them the body `begins`.
    pub fn packed(&mut self, dir: Direction, at: u64, bytes: &[u8], begins: bool) {
        let carrier = self.carrier();
        self.sink.packed(carrier, dir, at, bytes, begins);
    }

    /// Body bytes that never arrived; `len` is 0 where nobody knows how many.
    pub fn body_gap(&mut self, id: ExchangeId, dir: Direction, len: u64) {
        self.sink.body_gap(id, dir, len);
    }

    /// A message that is nothing but its body, which is there as a whole.
    pub fn say(&mut self, dir: Direction, location: Location, at: u64, bytes: &[u8]) {
        if !bytes.is_empty() {
            let id = self.open(dir, (location, location), at, &[]);
            self.body(id, dir, at, bytes);
            self.end(id, dir, End::Complete);
        }
    }

    /// A message that is nothing but fields; their offsets count from `at`.
    pub fn tell(&mut self, dir: Direction, location: Location, at: u64, fields: &[Field<'_>]) {
        if !fields.is_empty() {
            let id = self.open(dir, (location, location), at, fields);
            self.end(id, dir, End::Complete);
        }
    }

    /// What a client opens its session with: one field, at layer offset `at`.
    pub fn connect(&mut self, name: &[u8], at: u64, value: &[u8]) {
        if !value.is_empty() {
            self.tell(Direction::Request, Location::Connect, at, &[Field { name, value, at: 0 }]);
        }
    }

    /// Begins a message of a protocol unlike HTTP: what the places in its body are called, and its fields.
    pub fn open(
        &mut self,
        dir: Direction,
        (location, named): (Location, Location),
        at: u64,
        fields: &[Field<'_>],
    ) -> ExchangeId {
        let start = Start::Message { dir, location, fields: named };
        self.begin(&Head { at, ..Head::new(Version::Other, start, fields) })
    }

    /// Somebody tried to log in.
    pub fn login(&mut self, login: Login) {
        self.sink.login(login);
    }

    /// An attempt to log in with what stands at layer offset `at`; nothing else is known of it yet.
    pub fn attempt(&self, mechanism: &str, disclosed: Disclosed, dir: Direction, at: u64) -> Login {
        Login {
            transport: *self.transport,
            position: self.trail(dir).position(at),
            mechanism: mechanism.into(),
            disclosed,
            starttls: Starttls::Unseen,
            accepted: None,
        }
    }

    /// What a secret discloses that is sent as it is.
    pub fn disclosed(&self, secret: &[u8]) -> Disclosed {
        match secret {
            b"" => Disclosed::Nothing,
            _ if self.sink.is_token(secret) => Disclosed::Token,
            _ => Disclosed::Password,
        }
    }

    /// The header block that was just told, as it is coded: where each of its `parts` lies in it, and its layer offset.
    pub fn block(&mut self, dir: Direction, bytes: &[u8], parts: &[(usize, u64)]) {
        let carrier = self.carrier();
        self.sink.block(carrier, dir, bytes, parts);
    }

    /// Somebody logs in with this secret, which stands at layer offset `at`.
    pub fn secret(&mut self, dir: Direction, at: u64, secret: &[u8]) {
        let carrier = self.carrier();
        self.sink.secret(carrier, dir, at, secret);
    }

    /// Trailer fields.
    pub fn trailers(&mut self, id: ExchangeId, dir: Direction, head: &Head<'_>) {
        let carrier = self.carrier();
        self.sink.trailers(carrier, id, dir, head);
    }

    /// Ends a message.
    pub fn end(&mut self, id: ExchangeId, dir: Direction, end: End) {
        self.sink.end(id, dir, end);
    }

    /// The exchange that led to this layer, if an upgrade did.
    pub fn via(&self) -> Option<ExchangeId> {
        self.via
    }

    /// Where the bytes of one direction were captured.
    pub fn trail(&self, dir: Direction) -> &Trail {
        &self.trails[dir.index()]
    }

    /// Speaks of bytes that were decoded: offsets are those of other `trails`.
    pub fn decoded<R>(&mut self, trails: &[Trail; 2], speak: impl FnOnce(&mut Out<'_>) -> R) -> R {
        speak(&mut Out {
            sink: &mut *self.sink,
            transport: self.transport,
            trails,
            inner: &mut *self.inner,
            via: self.via,
            depth: self.depth,
            at: self.at,
            consumed: self.consumed,
            next_id: &mut *self.next_id,
            carries: self.carries,
            datagram: self.datagram,
        })
    }

    /// Speaks of what was unpacked from `bytes`, which begin at layer offset 0. `blank` gives as many that say nothing.
    pub fn wrapped(
        &mut self,
        dir: Direction,
        bytes: &[u8],
        blank: fn(&[u8]) -> Option<Vec<u8>>,
        speak: impl FnOnce(&mut Self),
    ) {
        self.sink.wrapped();
        speak(self);
        let carrier = self.carrier();
        self.sink.unwrapped(carrier, dir, bytes, blank);
    }

    /// Speaks with the ends exchanged: the transport's server asks, and its client answers.
    pub fn turned(&mut self, speak: impl FnOnce(&mut Out<'_>)) {
        let Transport { client, server, .. } = *self.transport;
        let transport = Transport { client: server, server: client, ..*self.transport };
        let [request, response] = self.trails;
        let trails = [response.clone(), request.clone()];
        speak(&mut Out {
            sink: &mut *self.sink,
            transport: &transport,
            trails: &trails,
            inner: &mut *self.inner,
            via: self.via,
            depth: self.depth,
            at: self.at,
            consumed: self.consumed,
            next_id: &mut *self.next_id,
            carries: self.carries,
            datagram: self.datagram,
        });
    }

    /// Bytes for the layer inside, which lie unchanged at layer offset `at`.
    pub fn inner(&mut self, dir: Direction, at: u64, bytes: &[u8]) {
        self.inner_of(0, dir, at, bytes);
    }

    /// Bytes for the layer inside, which is known to be `protocol`: it goes on with what led to this one.
    pub fn inner_as(&mut self, protocol: &'static Protocol, dir: Direction, at: u64, bytes: &[u8]) {
        if self.inner.find(0).is_none()
            && let Some(inner) = self.inner.get(0, self.transport, self.depth + 1)
        {
            inner.via = self.via;
            inner.carry(protocol, (protocol.open)());
            self.sink.protocol(self.depth, protocol.name);
        }
        self.inner(dir, at, bytes);
    }

    /// The same for one of several layers inside, which the dissector tells apart by `key`.
    pub fn inner_of(&mut self, key: u64, dir: Direction, at: u64, bytes: &[u8]) {
        let inner = self.inner.get(key, self.transport, self.depth + 1);
        let Some(inner) = inner else {
            self.sink.weird("too_many_layers");
            return self.opaque(dir, at, bytes);
        };
        let to = inner.offsets[dir.index()];
        inner.trails[dir.index()].push_from(to, &self.trails[dir.index()], at, bytes.len() as u64);
        inner.deliver(dir, bytes, self.sink, self.next_id);
    }

    /// The layer inside is encryption that was asked for (STARTTLS), and carries `protocol` in its turn.
    pub fn secure(&mut self, protocol: &'static Protocol) {
        if let Some(inner) = self.inner.get(0, self.transport, self.depth + 1) {
            inner.carries = Some(protocol);
        }
    }

    /// The layer inside is what the exchange `id` is upgraded to. True if the response is not the exchange's last word,
    /// because the new protocol answers its request.
    pub fn upgrade(&mut self, key: u64, id: ExchangeId, upgrade: &Upgrade<'_>) -> bool {
        match self.inner.get(key, self.transport, self.depth + 1) {
            Some(inner) => inner.upgrade(id, upgrade, key == 0, self.sink),
            None => false,
        }
    }

    /// `len` bytes of ciphertext at layer offset `at` were opened.
    pub fn opened(&mut self, dir: Direction, at: u64, len: u64) {
        let carrier = self.carrier();
        self.sink.opened(carrier, dir, at, len);
    }

    /// Inner bytes that were decrypted, from ciphertext at layer offset `at`, of the protocol that was negotiated, if any.
    pub fn inner_opened(&mut self, dir: Direction, at: u64, bytes: &[u8], alpn: Option<&str>) {
        let transport = opened(self.transport);
        let new = self.inner.find(0).is_none();
        let Some(inner) = self.inner.get(0, &transport, self.depth + 1) else {
            self.sink.weird("too_many_layers");
            return self.opaque_opened(dir, at, bytes);
        };
        let carries = || alpn.and_then(super::by_alpn).or(self.carries);
        if let Some(protocol) = new.then(carries).flatten() {
            inner.set_protocol(protocol, self.sink);
        }
        let to = inner.offsets[dir.index()];
        let trail = &self.trails[dir.index()];
        inner.trails[dir.index()].push_decrypted(to, trail, at, bytes.len() as u64);
        inner.deliver(dir, bytes, self.sink, self.next_id);
    }

    /// Decrypted bytes that belong to nothing known.
    pub fn opaque_opened(&mut self, dir: Direction, at: u64, bytes: &[u8]) {
        let mut trails = <[Trail; 2]>::default();
        trails[dir.index()].push_decrypted(at, &self.trails[dir.index()], at, bytes.len() as u64);
        let transport = opened(self.transport);
        let carrier = Carrier { transport: &transport, trails: &trails, via: None, datagram: false };
        self.sink.opaque(carrier, dir, at, bytes);
        self.sink.opaque_gap(&transport, dir, true);
    }

    /// TLS secrets that are known at this point of the input, if any can be.
    pub fn keyring(&self) -> Option<Arc<Keyring>> {
        self.sink.keyring()
    }

    /// A hole in the inner bytes.
    pub fn inner_gap(&mut self, dir: Direction, len: u64) {
        self.inner_gap_of(0, dir, len);
    }

    /// The same for one of several layers.
    pub fn inner_gap_of(&mut self, key: u64, dir: Direction, len: u64) {
        if let Some(inner) = self.inner.find(key) {
            inner.gap(dir, len, self.sink, self.next_id);
        }
    }

    /// One of several layers inside is over.
    pub fn inner_end(&mut self, key: u64, end: End) {
        if let Some(mut inner) = self.inner.take(key) {
            inner.close(Direction::Request, end, self.sink, self.next_id);
            inner.close(Direction::Response, end, self.sink, self.next_id);
        }
    }

    /// Bytes that belong to nothing known: they are scanned as a stream.
    pub fn opaque(&mut self, dir: Direction, at: u64, bytes: &[u8]) {
        let carrier = self.carrier();
        self.sink.opaque(carrier, dir, at, bytes);
    }

    /// What follows in that direction is not the continuation of the opaque bytes so far.
    pub fn opaque_end(&mut self, dir: Direction) {
        self.sink.opaque_gap(self.transport, dir, true);
    }

    /// Bytes that no key opens.
    pub fn encrypted(&mut self, len: u64) {
        if len > 0 {
            self.sink.encrypted(len);
        }
    }

    /// What a TLS layer learned about its session.
    pub fn tls(&mut self, event: TlsEvent<'_>) {
        let carrier = self.carrier();
        self.sink.tls(carrier, event);
    }

    /// Asks to hold that many bytes for long (a decompressor's window, a record that is not whole), until they are released at the latest when the
    /// direction is closed. False if that is over the bound.
    pub fn reserve(&mut self, bytes: usize) -> bool {
        self.sink.reserve(bytes)
    }

    /// Gives back what was reserved.
    pub fn release(&mut self, bytes: usize) {
        self.sink.release(bytes);
    }

    /// Counts an oddity.
    pub fn weird(&mut self, name: &'static str) {
        self.sink.weird(name);
    }
}

/// The transport of what is inside encryption.
fn opened(transport: &Transport) -> Transport {
    Transport { channel: Channel::TlsDecrypted, ..*transport }
}
