//! MQTT: logins, payloads and properties.

use super::conversation::Conversation;
use super::tape::Wire;

fn packet(first: u8, body: &[u8]) -> Vec<u8> {
    let mut out = vec![first];
    let mut len = body.len();
    loop {
        out.push((len & 0x7f) as u8 | if len > 0x7f { 0x80 } else { 0 });
        len >>= 7;
        if len == 0 {
            break;
        }
    }
    [out, body.to_vec()].concat()
}

fn text(text: &str) -> Vec<u8> {
    [&(text.len() as u16).to_be_bytes()[..], text.as_bytes()].concat()
}

fn connect(level: u8, flags: u8, properties: &[u8], fields: &[&str]) -> Vec<u8> {
    let fields: Vec<u8> = fields.iter().flat_map(|f| text(f)).collect();
    let name = if level == 3 { "MQIsdp" } else { "MQTT" };
    packet(0x10, &[text(name), vec![level, flags, 0, 60], properties.to_vec(), fields].concat())
}

#[test]
fn each_version_logs_in_and_publishes() {
    for level in [3, 4] {
        Conversation::new()
            .c(connect(level, 0xc2, b"", &["me", "alice", "secret"]))
            .s(packet(0x20, &[0, 0]))
            .c(packet(0x30, &[text("a/b"), b"{\"jwt\":1}".to_vec()].concat()))
            .c(packet(0x32, &[text("q"), vec![0, 1], b"one".to_vec()].concat()))
            .s(packet(0x40, &[0, 1]))
            .c(packet(0xc0, b""))
            .s(packet(0xd0, b""))
            .says(&[
                "0 mqtt",
                "0> connect connect:client id=me connect:username=alice connect:password=secret @1",
                "0> Complete",
                "login password password - accepted @1",
                "1> publish property:topic=a/b @3",
                "1> body {\"jwt\":1}",
                "1> Complete",
                "2> publish property:topic=q @4",
                "2> body one",
                "2> Complete",
                "3< command @5",
                "3< body \0\u{1}",
                "3< Complete",
            ]);
    }
}

#[test]
fn version_5_has_properties_and_a_will() {
    let user = [&[0x26][..], &text("trace"), &text("t1")].concat();
    let list = |p: &[u8]| [&[p.len() as u8][..], p].concat();
    let head = [&[0x21, 0, 9][..], &user].concat();
    let will = [list(&user), text("lwt"), text("gone")].concat();
    let body = [text("MQTT"), vec![5, 0x46, 0, 60], list(&head), text("me"), will, text("eyJ.a.b")].concat();
    Conversation::new()
        .c(packet(0x10, &body))
        .s(packet(0x20, &[0, 0x87, 0]))
        .c(packet(0x30, &[text("t"), list(&user), b"x".to_vec()].concat()))
        .says(&[
            "0 mqtt",
            "0> connect connect:client id=me connect:will topic=lwt connect:password=eyJ.a.b @1",
            "0> Complete",
            "1> publish @1",
            "1> body gone",
            "1> Complete",
            "2> property property:trace=t1 property:trace=t1 @1",
            "2> Complete",
            "login password token - refused @1",
            "3> publish property:topic=t property:trace=t1 @3",
            "3> body x",
            "3> Complete",
        ]);
}

#[test]
fn enhanced_authentication_is_sasl() {
    let method = [&[0x15][..], &text("OAUTHBEARER")].concat();
    let data = |d: &str| [&[0x16][..], &text(d)].concat();
    let list = |p: Vec<u8>| [vec![p.len() as u8], p].concat();
    let hello = list([method.clone(), data("n,,\u{1}auth=Bearer abc\u{1}\u{1}")].concat());
    let body = [text("MQTT"), vec![5, 2, 0, 60], hello, text("me")].concat();
    Conversation::new()
        .c(packet(0x10, &body))
        .s(packet(0xf0, &[vec![0x18], list([method.clone(), data("more")].concat())].concat()))
        .c(packet(0xf0, &[vec![0x18], list([method, data("\u{1}")].concat())].concat()))
        .s(packet(0x20, &[0, 0, 0]))
        .says(&[
            "0 mqtt",
            "0> connect connect:client id=me @1",
            "0> Complete",
            "1> sasl sasl:oauthbearer=n,,\u{1}auth=Bearer abc\u{1}\u{1} @1",
            "1> Complete",
            "2< sasl @2",
            "2< body more",
            "2< Complete",
            "3> sasl sasl:oauthbearer=\u{1} @3",
            "3> Complete",
            "login oauthbearer bearer - accepted @1",
        ]);
}

#[test]
fn a_payload_goes_on_behind_a_hole_and_framing_is_found_again() {
    let mut wire = Wire::new();
    wire.c(connect(4, 2, b"", &["me"])).s(packet(0x20, &[0, 0])).said();
    let publish = packet(0x30, &[text("t"), b"0123456789".to_vec()].concat());
    wire.c(&publish[..8]).c_gap(4).c(&publish[12..]);
    let said = wire.said();
    assert_eq!(
        said,
        ["1> publish property:topic=t @3", "1> body 012", "1> hole 4", "1> body 789", "1> Complete"]
    );
    wire.c(&publish[..3]).c_gap(100).c("no packet").c(&publish);
    let said = wire.said();
    assert_eq!(said[..2], [">> opaque 0\r\0", ">> hole"]);
    assert_eq!(said[2..5], [">> opaque no packet", ">> over", "2> publish property:topic=t @7"]);
}

#[test]
fn what_is_no_packet_is_scanned_as_a_stream() {
    let mut wire = Wire::new();
    wire.c(connect(4, 2, b"", &["me"])).c([0, 0, b'x']).s("later");
    let said = wire.all();
    assert!(
        said.contains(&"weird mqtt_bad_packet".to_owned()) && said.contains(&">> opaque \0\0x".to_owned())
    );
}
