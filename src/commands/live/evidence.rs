//! Packets that are kept: all, or those of flows with findings, in one file or a ring of files.

mod ring;

use crate::capture::Block;
use crate::cli::{Evidence, EvidenceArgs};
use crate::commands::Failure;
use crate::decode::{Endpoint, FlowKey, IpProtocol};
use crate::finding::Finding;
use crate::limits::{EVIDENCE_BYTES, EVIDENCE_FLOWS};
use ring::Ring;
use std::collections::{HashSet, VecDeque};
use std::sync::Arc;

/// Writes what is to be kept.
pub(super) struct Recorder {
    which: Evidence,
    ring: Ring,
    /// What came last, while it is not known whether a finding will come of it.
    recent: VecDeque<Recent>,
    bytes: usize,
    wanted: Wanted,
}

struct Recent {
    block: Arc<Block>,
    /// The flow of each frame; none where it has none, or is written already.
    flows: Vec<Option<FlowKey>>,
}

/// Flows with findings, the latest of them.
#[derive(Default)]
struct Wanted {
    set: HashSet<FlowKey>,
    order: VecDeque<FlowKey>,
}

impl Recorder {
    /// What the flags ask for, if they ask for anything.
    ///
    /// # Errors
    /// The file cannot be written.
    pub(super) fn new(args: &EvidenceArgs) -> Result<Option<Self>, Failure> {
        let Some(path) = &args.write else { return Ok(None) };
        let ring = Ring::new(path.clone(), args.ring_size, args.ring_files);
        let ring = ring.map_err(|e| format!("--write {}: {e}", path.display()))?;
        let which = args.write_packets;
        Ok(Some(Self { which, ring, recent: VecDeque::new(), bytes: 0, wanted: Wanted::default() }))
    }

    /// Takes the frames of a block.
    pub(super) fn frames(&mut self, block: &Arc<Block>, flows: &[Option<FlowKey>]) {
        for secrets in &block.secrets {
            self.ring.secrets(&secrets.data);
        }
        if self.which == Evidence::All {
            (0..block.frames.len()).filter_map(|at| block.frame(at)).for_each(|f| self.ring.frame(&f));
            return;
        }
        let mut flows: Vec<_> = flows.iter().map(|flow| flow.map(FlowKey::bare)).collect();
        for (at, flow) in flows.iter_mut().enumerate() {
            if flow.is_some_and(|flow| self.wanted.set.contains(&flow)) {
                *flow = None;
                block.frame(at).iter().for_each(|frame| self.ring.frame(frame));
            }
        }
        if flows.iter().any(Option::is_some) {
            self.bytes += block.bytes.capacity();
            self.recent.push_back(Recent { block: Arc::clone(block), flows });
        }
        while self.bytes > EVIDENCE_BYTES
            && let Some(oldest) = self.recent.pop_front()
        {
            self.bytes = self.bytes.saturating_sub(oldest.block.bytes.capacity());
        }
    }

    /// A finding came: its flow is kept from now on, and what is still there of it.
    pub(super) fn finding(&mut self, finding: &Finding) {
        let (Some(client), Some(server)) = (finding.client, finding.server) else { return };
        if self.which == Evidence::All {
            return;
        }
        for protocol in [IpProtocol::Tcp, IpProtocol::Udp] {
            self.want(client, server, protocol);
        }
    }

    fn want(&mut self, client: Endpoint, server: Endpoint, protocol: IpProtocol) {
        let (key, _) = FlowKey::new(client, server, protocol, 0);
        if !self.wanted.set.insert(key) {
            return;
        }
        self.wanted.order.push_back(key);
        if self.wanted.order.len() > EVIDENCE_FLOWS
            && let Some(oldest) = self.wanted.order.pop_front()
        {
            self.wanted.set.remove(&oldest);
        }
        for recent in &mut self.recent {
            for (at, flow) in recent.flows.iter_mut().enumerate().filter(|(_, flow)| **flow == Some(key)) {
                *flow = None;
                recent.block.frame(at).iter().for_each(|frame| self.ring.frame(frame));
            }
        }
    }

    /// What went wrong since the last call.
    pub(super) fn trouble(&mut self) -> Option<String> {
        self.ring.flush();
        self.ring.trouble()
    }

    /// Writes out everything.
    pub(super) fn finish(&mut self) {
        self.ring.flush();
    }

    /// What was written, for the summary.
    pub(super) fn describe(&self) -> String {
        self.ring.describe()
    }
}
