//! Files that continue each other, as `tcpdump -C`, `tcpdump -G` and `dumpcap -b` write them: put in order of time.

use std::collections::HashMap;
use std::path::{Path, PathBuf};

use super::open::{Input, open};
use super::{Block, FileId, More};
use crate::time::Timestamp;

/// Endings that compressors append.
const COMPRESSED: [&str; 4] = [".gz", ".zst", ".lz4", ".xz"];

/// Puts files of one folder whose names differ in digits only in order of their first packets, where the first of
/// them stands. Others stay where they are.
pub(super) fn in_order(inputs: Vec<Input>) -> Vec<Input> {
    let mut places = HashMap::new();
    let mut groups: Vec<Vec<Input>> = Vec::new();
    for input in inputs {
        match family(&input) {
            None => groups.push(vec![input]),
            Some(family) => {
                let place = *places.entry(family).or_insert(groups.len());
                match groups.get_mut(place) {
                    Some(group) => group.push(input),
                    None => groups.push(vec![input]),
                }
            }
        }
    }
    for group in groups.iter_mut().filter(|group| group.len() > 1) {
        // What has no packets comes last; the sort is stable.
        group.sort_by_cached_key(|input| begins(&input.path).map_or((1, Timestamp::default()), |t| (0, t)));
    }
    groups.into_iter().flatten().collect()
}

/// What files of one rotation have in common: the folder, and the name without digits and the ending of a compressor.
fn family(input: &Input) -> Option<(PathBuf, String)> {
    if input.refused.is_some() || !std::fs::metadata(&input.path).is_ok_and(|meta| meta.is_file()) {
        return None;
    }
    let folder = input.path.parent().map(Path::to_path_buf)?;
    let name = input.path.file_name()?.to_str()?;
    let name = COMPRESSED.iter().find_map(|ending| name.strip_suffix(*ending)).unwrap_or(name);
    Some((folder, name.chars().filter(|c| !c.is_ascii_digit()).collect()))
}

/// Time of the first packet or exchange of a file.
fn begins(path: &Path) -> Option<Timestamp> {
    let mut source = open(path, FileId(0)).ok()?;
    let mut block = Block::default();
    loop {
        let more = source.fill(&mut block).ok()?;
        let exchange = || block.exchanges.first()?.request.as_ref().map(|request| request.time);
        match (block.frames.first().map(|frame| frame.time).or_else(exchange), more) {
            (Some(time), _) => return Some(time),
            (None, More::Yes) => {}
            (None, More::End) => return None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::capture::expand;
    use crate::capture::testing::Writer;
    use std::fs;

    fn capture(second: u32) -> Vec<u8> {
        let mut writer = Writer::default();
        writer.seconds = second;
        writer.frame(b"frame");
        writer.bytes
    }

    #[test]
    fn rotated_files_are_put_in_order_of_time_and_others_stay() {
        let dir = tempfile::tempdir().unwrap();
        let at = |name: &str| dir.path().join(name);
        // A ring of three whose oldest file is the third; the one in the middle was compressed.
        let files =
            [("x", 1), ("ring.pcap0", 300), ("ring.pcap1.gz", 400), ("ring.pcap2", 200), ("other", 5)];
        for (name, second) in files {
            fs::write(at(name), capture(second)).unwrap();
        }
        let inputs = ["x", "ring.pcap1.gz", "other", "ring.pcap0", "ring.pcap2"].map(at);
        let names = |inputs: &[PathBuf]| -> Vec<String> {
            let name = |input: Input| input.path.file_name().unwrap().to_str().unwrap().to_owned();
            expand(inputs).into_iter().map(name).collect()
        };
        assert_eq!(names(&inputs), ["x", "ring.pcap2", "ring.pcap0", "ring.pcap1.gz", "other"]);
        assert_eq!(names(&[dir.path().into()]), ["other", "ring.pcap2", "ring.pcap0", "ring.pcap1.gz", "x"]);
        let dir = tempfile::tempdir().unwrap();
        fs::create_dir(dir.path().join("b")).unwrap();
        for (name, second) in [("a1", 9), ("b/a2", 8), ("a3", 7), ("a2", 6)] {
            fs::write(dir.path().join(name), capture(second)).unwrap();
        }
        assert_eq!(names(&[dir.path().into()]), ["a2", "a3", "a1", "a2"]);
    }

    #[test]
    fn what_cannot_be_read_stays() {
        let dir = tempfile::tempdir().unwrap();
        fs::write(dir.path().join("a2"), capture(1)).unwrap();
        fs::write(dir.path().join("a1"), "text").unwrap();
        let inputs = ["a1", "a2", "a3", "-"].map(|name| dir.path().join(name));
        let order: Vec<_> = in_order(expand(&inputs)).into_iter().map(|i| i.path).collect();
        assert_eq!(order, [1, 0, 2, 3].map(|i| inputs[i].clone()));
    }
}
