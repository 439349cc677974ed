//! Numbers for stacks of tunnels and VLAN tags, so that a packet carries four bytes and not a list.

use std::net::IpAddr;

use hashbrown::HashMap;

use crate::tally::Tally;

/// Texts or tags that all stacks hold together; what comes later shares one number and is counted.
const ENTRIES: usize = 65_536;

/// The number of the shared stack for what came too late.
const OVERFLOW: u32 = 1;

/// Set in the number of a path in which something tells networks apart.
const TENANT: u32 = 1 << 30;

/// Which of the networks that a tunnel may carry.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) enum Tenant {
    /// Nothing tells.
    Any,
    /// The network with this number.
    Number(u32),
    /// The one between these tunnel ends, the smaller first.
    Ends(IpAddr, IpAddr),
}

/// All stacks seen, by number; 0 is the empty one. Both directions of a flow have the same path, unless a network
/// encapsulates one direction only.
#[derive(Debug)]
pub struct Paths {
    tunnels: Stacks<(&'static str, Tenant), String>,
    vlans: Stacks<u16, u16>,
}

impl Default for Paths {
    fn default() -> Self {
        Self { tunnels: Stacks::new(vec!["overflow".to_owned()]), vlans: Stacks::new(Vec::new()) }
    }
}

impl Paths {
    /// The tunnels of a path, outermost first: `vxlan:100`, `gre`, `gre:7`.
    pub fn tunnel(&self, path: u32) -> &[String] {
        self.tunnels.get(path & !TENANT)
    }

    /// Whether something in a path tells networks apart: flows with two such paths are two flows.
    pub const fn has_tenant(path: u32) -> bool {
        path & TENANT != 0
    }

    /// The VLAN numbers of a stack, outermost first.
    pub fn vlan(&self, vlan: u32) -> &[u16] {
        self.vlans.get(vlan)
    }

    /// The path `outer` with one more tunnel in it.
    pub(super) fn enter(&mut self, outer: u32, kind: &'static str, tenant: Tenant, tally: &mut Tally) -> u32 {
        let text = || match tenant {
            Tenant::Number(id) => format!("{kind}:{id}"),
            Tenant::Any | Tenant::Ends(..) => kind.to_owned(),
        };
        let flag = if tenant == Tenant::Any { outer & TENANT } else { TENANT };
        match self.tunnels.push(outer & !TENANT, (kind, tenant), text) {
            Some(number) => number | flag,
            None => {
                tally.weird("tunnel_stacks_over_limit");
                OVERFLOW | TENANT
            }
        }
    }

    /// The VLAN stack `outer` with one more tag in it.
    pub(super) fn tag(&mut self, outer: u32, id: u16, tally: &mut Tally) -> u32 {
        self.vlans.push(outer, id, || id).unwrap_or_else(|| {
            tally.weird("vlan_stacks_over_limit");
            OVERFLOW
        })
    }
}

#[derive(Debug)]
struct Stacks<K, V> {
    numbers: HashMap<(u32, K), u32>,
    stacks: Vec<Vec<V>>,
    held: usize,
    /// Most packets have the stack of the one before: its first layer, and the last one behind that.
    last: [Option<((u32, K), u32)>; 2],
}

impl<K: Copy + Eq + std::hash::Hash, V: Clone> Stacks<K, V> {
    fn new(overflow: Vec<V>) -> Self {
        Self { numbers: HashMap::new(), stacks: vec![Vec::new(), overflow], held: 0, last: [None; 2] }
    }

    fn get(&self, number: u32) -> &[V] {
        self.stacks.get(number as usize).map_or(&[], Vec::as_slice)
    }

    /// `None` if there is no room.
    fn push(&mut self, outer: u32, key: K, value: impl FnOnce() -> V) -> Option<u32> {
        let depth = usize::from(outer != 0);
        if let Some((last, number)) = self.last[depth]
            && last == (outer, key)
        {
            return Some(number);
        }
        let number = match self.numbers.get(&(outer, key)) {
            Some(&number) => number,
            None => {
                let size = self.get(outer).len() + 1;
                if outer == OVERFLOW || self.held + size > ENTRIES {
                    return None;
                }
                let number = u32::try_from(self.stacks.len()).ok()?;
                let mut stack = self.get(outer).to_vec();
                stack.push(value());
                self.held += size;
                self.stacks.push(stack);
                self.numbers.insert((outer, key), number);
                number
            }
        };
        self.last[depth] = Some(((outer, key), number));
        Some(number)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn equal_stacks_have_equal_numbers() {
        let (mut paths, mut tally) = (Paths::default(), Tally::default());
        let vxlan = Tenant::Number(100);
        let a = paths.enter(0, "vxlan", vxlan, &mut tally);
        let b = paths.enter(a, "gre", Tenant::Any, &mut tally);
        let c = paths.enter(0, "gre", Tenant::Any, &mut tally);
        assert_ne!(b, c);
        assert_eq!(paths.enter(0, "vxlan", vxlan, &mut tally), a);
        assert_eq!(paths.enter(a, "gre", Tenant::Any, &mut tally), b);
        assert_eq!([a, b, c, 0].map(Paths::has_tenant), [true, true, false, false]);
        let ends = |n: u8| Tenant::Ends([10, 0, 0, 1].into(), [10, 0, 0, n].into());
        let two = [2, 3].map(|n| paths.enter(0, "gre", ends(n), &mut tally));
        assert_ne!(two[0], two[1]);
        assert_eq!(two.map(|path| paths.tunnel(path).to_vec()), [["gre"], ["gre"]]);
        assert_eq!(paths.tunnel(b), ["vxlan:100", "gre"]);
        assert!(paths.tunnel(0).is_empty() && paths.tunnel(999).is_empty());
        let inner = paths.tag(0, 5, &mut tally);
        let inner = paths.tag(inner, 6, &mut tally);
        assert_eq!(paths.vlan(inner), [5, 6]);
    }

    #[test]
    fn too_many_share_one_number() {
        let (mut paths, mut tally) = (Paths::default(), Tally::default());
        let all: Vec<_> =
            (0..70_000).map(|id| paths.enter(0, "vxlan", Tenant::Number(id), &mut tally)).collect();
        assert_eq!(all.iter().filter(|&&n| n == OVERFLOW | TENANT).count(), 70_000 - ENTRIES);
        assert_eq!(tally.weirds["tunnel_stacks_over_limit"], 70_000 - ENTRIES as u64);
        assert_eq!(paths.enter(OVERFLOW | TENANT, "gre", Tenant::Any, &mut tally), OVERFLOW | TENANT);
        assert_eq!(paths.tunnel(OVERFLOW), ["overflow"]);
    }
}
