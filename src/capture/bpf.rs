//! The machine that runs a compiled filter (McCanne and Jacobson, "The BSD Packet Filter", 1993): libpcap's own, as the
//! crate has it, takes what was captured of a packet for all of it.

use pcap::BpfProgram;

/// Steps of one run. Only `protochain` makes loops, one round a header.
const STEPS: usize = 1 << 16;

/// Words of memory that a program has.
const WORDS: usize = 16;

/// A filter program.
#[derive(Debug)]
pub(super) struct Program {
    steps: Vec<Step>,
}

/// One instruction: what to do, where to go on, and an operand.
#[derive(Clone, Copy, Debug, Default)]
struct Step {
    code: u16,
    yes: u8,
    no: u8,
    k: u32,
}

impl Program {
    /// What libpcap has compiled.
    pub(super) fn new(compiled: &BpfProgram) -> Self {
        // The crate shows an instruction in no other way: four decimal numbers, as `tcpdump -ddd` does.
        let step = |text: String| {
            let mut numbers = text.split(' ').map(|number| number.parse::<u32>().unwrap_or_default());
            let mut next = || numbers.next().unwrap_or_default();
            Step { code: next() as u16, yes: next() as u8, no: next() as u8, k: next() }
        };
        Self { steps: compiled.get_instructions().iter().map(|i| step(i.to_string())).collect() }
    }

    /// Whether a packet matches, of which `data` were captured and `len` bytes were on the wire.
    pub(super) fn matches(&self, data: &[u8], len: u32) -> bool {
        self.run(data, len).is_some_and(|taken| taken > 0)
    }

    /// How many bytes the filter takes. `None`: it looks beyond what was captured, which no packet survives.
    fn run(&self, data: &[u8], len: u32) -> Option<u32> {
        let (mut a, mut x, mut memory, mut at) = (0_u32, 0_u32, [0_u32; WORDS], 0_usize);
        for _ in 0..STEPS {
            let Step { code, yes, no, k } = *self.steps.get(at)?;
            at += 1;
            match code & 0x07 {
                // LD
                0 => {
                    a = match code & 0xe0 {
                        0x00 => k,
                        0x20 => load(data, k, code)?,
                        0x40 => load(data, x.checked_add(k)?, code)?,
                        0x60 => *memory.get(k as usize)?,
                        0x80 => len,
                        _ => return None,
                    }
                }
                // LDX
                1 => {
                    x = match code & 0xe0 {
                        0x00 => k,
                        0x60 => *memory.get(k as usize)?,
                        0x80 => len,
                        // The length of an IPv4 header.
                        0xa0 => u32::from(data.get(k as usize)? & 0x0f) * 4,
                        _ => return None,
                    }
                }
                // ST, STX
                2 => *memory.get_mut(k as usize)? = a,
                3 => *memory.get_mut(k as usize)? = x,
                // ALU
                4 => a = compute(code, a, if code & 0x08 == 0 { k } else { x })?,
                // JMP
                5 => {
                    let other = if code & 0x08 == 0 { k } else { x };
                    let holds = match code & 0xf0 {
                        // Backwards too, for `protochain`.
                        0x00 => {
                            at = at.checked_add_signed(k.cast_signed() as isize)?;
                            continue;
                        }
                        0x10 => a == other,
                        0x20 => a > other,
                        0x30 => a >= other,
                        0x40 => a & other != 0,
                        _ => return None,
                    };
                    at += usize::from(if holds { yes } else { no });
                }
                // RET
                6 => return Some(if code & 0x18 == 0x10 { a } else { k }),
                // TAX, TXA
                _ if code & 0x80 == 0 => x = a,
                _ => a = x,
            }
        }
        None
    }
}

/// Big-endian bytes of the packet.
fn load(data: &[u8], at: u32, code: u16) -> Option<u32> {
    let rest = data.get(at as usize..)?;
    match code & 0x18 {
        0x00 => rest.first_chunk().map(|bytes| u32::from_be_bytes(*bytes)),
        0x08 => rest.first_chunk().map(|bytes| u32::from(u16::from_be_bytes(*bytes))),
        0x10 => rest.first().map(|byte| u32::from(*byte)),
        _ => None,
    }
}

fn compute(code: u16, a: u32, other: u32) -> Option<u32> {
    match code & 0xf0 {
        0x00 => Some(a.wrapping_add(other)),
        0x10 => Some(a.wrapping_sub(other)),
        0x20 => Some(a.wrapping_mul(other)),
        0x30 => a.checked_div(other),
        0x40 => Some(a | other),
        0x50 => Some(a & other),
        0x60 => Some(a.checked_shl(other).unwrap_or(0)),
        0x70 => Some(a.checked_shr(other).unwrap_or(0)),
        0x80 => Some(a.wrapping_neg()),
        0x90 => a.checked_rem(other),
        0xa0 => Some(a ^ other),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::super::libpcap::available;
    use super::*;
    use pcap::{Capture, Linktype};

    #[test]
    fn whole_packets_match_as_libpcap_says() {
        if available().is_err() {
            return;
        }
        let expressions = [
            "",
            "tcp port 80",
            "udp and not port 53",
            "host 10.0.0.1 or net 10.0.0.0/29",
            "ip6 or arp",
            "vlan and tcp",
            "greater 60",
            "len >= 40 and less 80",
            "tcp[tcpflags] & (tcp-syn|tcp-fin) != 0",
            "ip[2:2] - ((ip[0] & 0xf) << 2) > 20",
            "ip[8] % 3 = 1 or ip[8] / 3 * 3 = ip[8] or ip[9] ^ 6 = 0",
            "ether[6] >> 2 = 0 and not ether broadcast",
            "portrange 1000-50000",
            "ip6 protochain 6",
            "ip protochain 17",
        ];
        let mut state = 0x2545_f491_4f6c_dd1d_u64;
        let mut next = |below: u64| {
            state ^= state << 13;
            state ^= state >> 7;
            state ^= state << 17;
            (state >> 20) % below
        };
        let mut taken = 0;
        for expression in expressions {
            let compiled = Capture::dead(Linktype(1)).unwrap().compile(expression, true).unwrap();
            let program = Program::new(&compiled);
            for _ in 0..500 {
                let mut frame = vec![2; 12];
                match next(4) {
                    0 => frame.extend([0x81, 0, 0, 5, 8, 0, 0x45, 0, 0, 40, 0, 0, 0, 0, 64, 6, 0, 0]),
                    1 => frame.extend([0x86, 0xdd, 0x60, 0, 0, 0, 0, 30, 6, 64]),
                    2 => frame.extend([8, 0, 0x45, 0, 0, 40, 0, 0, 0, 0, 64, 6, 0, 0]),
                    _ => frame.extend([8, 0, 0x45, 0, 0, 40, 0, 0, 0, 0, 64, 17, 0, 0]),
                }
                frame.extend([10, 0, 0, 1, 10, 0, 0, 2, 0, 80, 0, 53]);
                frame.extend((0..next(40)).map(|_| 0));
                for _ in 0..next(6) {
                    let at = next(frame.len() as u64) as usize;
                    frame[at] = next(256) as u8;
                }
                frame.truncate(next(frame.len() as u64 * 2) as usize);
                let got = program.matches(&frame, frame.len() as u32);
                assert_eq!(got, compiled.filter(&frame), "{expression} {frame:02x?}");
                taken += usize::from(got);
            }
        }
        assert!((500..7000).contains(&taken), "{taken}");
    }

    #[test]
    fn any_program_ends() {
        let jump = Step { code: 0x05, k: u32::MAX, ..Step::default() };
        assert_eq!(Program { steps: vec![jump] }.run(&[], 0), None);
        for code in 0..0x100 {
            for k in [0, 15, 16, 1000, u32::MAX] {
                let steps = vec![Step { code, yes: 0, no: 0, k }, Step { code: 0x16, ..Step::default() }];
                let _ = Program { steps }.run(&[1; 20], 9);
            }
        }
    }
}
