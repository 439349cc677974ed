//! The room that memory leaves.

use super::*;

#[test]
fn room_is_cut_to_what_there_is() {
    for mebibytes in [128, 256, 1024, 2048] {
        let memory = mebibytes << 20;
        let room = Room::within(memory);
        assert!(room.bytes() + Room::BASE <= memory + (1 << 20), "{mebibytes}");
        assert!(room.bytes() + Room::BASE > memory - (16 << 20), "{mebibytes}: what is given is used");
    }
    assert_eq!(Room::within(64 << 30), Room::WHOLE);
    assert_eq!(Room::within(0).flows, PARTITIONS);
}
