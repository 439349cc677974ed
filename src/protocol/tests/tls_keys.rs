//! TLS sessions whose secrets are known: RFC 8448's traces, byte for byte, through the layer.

use super::tape::Wire;
use crate::keylog::{Entry, Keyring, Label};
use crate::limits;
use crate::message::End;
use crate::protocol::tls::decrypt::testing::hex;

/// The client's random of section 3, and of section 4.
const RANDOM: &str = "cb34ecb1e78163ba1c38c6dacb196a6dffa21a8d9912ec18a2ef6283024dece7";

fn ring(random: &str, secrets: &[(Label, &str)]) -> Keyring {
    let mut ring = Keyring::default();
    let id = hex(random).try_into().unwrap();
    ring.add(secrets.iter().map(|(label, s)| Entry { label: *label, id, secret: hex(s).into() }).collect());
    ring
}

/// Section 3, "Simple 1-RTT Handshake".
fn simple() -> Keyring {
    ring(
        RANDOM,
        &[
            (Label::ClientHandshake, "b3eddb126e067f35a780b3abf45e2d8f3b1a950738f52e9600746a0e27a55a21"),
            (Label::ServerHandshake, "b67b7d690cc16c4e75e54213cb2d37b4e9c912bcded9105d42befd59d391ad38"),
            (Label::ClientTraffic, "9e40646ce79a7f9dc05af8889bce6552875afa0b06df0087f792ebb7c17504a5"),
            (Label::ServerTraffic, "a11af9f05531f856ad47116b45a950328204b4f44bfb6b3a4b4f1f3fcb631643"),
        ],
    )
}

const CLIENT_HELLO: &str = "16030100c4010000c00303cb34ecb1e78163ba1c38c6dacb196a6dffa21a8d9912ec18a2ef6283024dece7
    000006130113031302010000910000000b0009000006736572766572ff01000100000a00140012001d0017001800190100010101020103
    010400230000003300260024001d002099381de560e4bd43d23d8e435a7dbafeb3c06e51c13cae4d5413691e529aaf2c002b0003020304
    000d0020001e040305030603020308040805080604010501060102010402050206020202002d00020101001c00024001";
const SERVER_HELLO: &str =
    "160303005a020000560303a6af06a4121860dc5e6e60249cd34c95930c8ac5cb1434dac155772ed3e26928
    00130100002e00330024001d0020c9828876112095fe66762bdbf7c672e156d6cc253b833df1dd69b1b04e751f0f002b00020304";
const SERVER_FLIGHT: &str = "17030302a2d1ff334a56f5bff6594a07cc87b580233f500f45e489e7f33af35edf7869fcf40aa40aa2b8ea
    73f848a7ca07612ef9f945cb960b4068905123ea78b111b429ba9191cd05d2a389280f526134aadc7fc78c4b729df828b5ecf7b13bd9ae
    fb0e57f271585b8ea9bb355c7c79020716cfb9b1183ef3ab20e37d57a6b9d7477609aee6e122a4cf51427325250c7d0e509289444c9b3a
    648f1d71035d2ed65b0e3cdd0cbae8bf2d0b227812cbb360987255cc744110c453baa4fcd610928d809810e4b7ed1a8fd991f06aa62482
    04797e36a6a73b70a2559c09ead686945ba246ab66e5edd8044b4c6de3fcf2a89441ac66272fd8fb330ef8190579b3684596c960bd596e
    ea520a56a8d650f563aad27409960dca63d3e688611ea5e22f4415cf9538d51a200c27034272968a264ed6540c84838d89f72c24461aad
    6d26f59ecaba9acbbb317b66d902f4f292a36ac1b639c637ce343117b659622245317b49eeda0c6258f100d7d961ffb138647e92ea330f
    aeea6dfa31c7a84dc3bd7e1b7a6c7178af36879018e3f252107f243d243dc7339d5684c8b0378bf30244da8c87c843f5e56eb4c5e8280a
    2b48052cf93b16499a66db7cca71e4599426f7d461e66f99882bd89fc50800becca62d6c74116dbd2972fda1fa80f85df881edbe5a3766
    8936b335583b599186dc5c6918a396fa48a181d6b6fa4f9d62d513afbb992f2b992f67f8afe67f76913fa388cb5630c8ca01e0c65d11c6
    6a1e2ac4c85977b7c7a6999bbf10dc35ae69f5515614636c0b9b68c19ed2e31c0b3b66763038ebba42f3b38edc0399f3a9f23faa63978c
    317fc9fa66a73f60f0504de93b5b845e275592c12335ee340bbc4fddd502784016e4b3be7ef04dda49f4b440a30cb5d2af939828fd4ae3
    794e44f94df5a631ede42c1719bfdabf0253fe5175be898e750edc53370d2b";
const CLIENT_FINISHED: &str =
    "170303003575ec4dc238cce60b298044a71e219c56cc77b0517fe9b93c7a4bfc44d87f38f80338ac98
    fc46deb384bd1caeacab6867d726c40546";
const TICKET: &str = "17030300de3a6b8f90414a97d6959c3487680de5134a2b240e6cffac116e95d41d6af8f6b580dcf3d11d63c758db
    289a015940252f55713e061dc13e078891a38efbcf5753ad8ef170ad3c7353d16d9da773b9ca7f2b9fa1b6c0d4a3d03f75e09c30ba1e6
    2972ac46f75f7b981be63439b2999ce13064615139891d5e4c5b406f16e3fc181a77ca475840025db2f0a77f81b5ab05b94c01346755f6
    9232c86519d86cbeeac87aac347d143f9605d64f650db4d023e70e952ca49fe5137121c74bc2697687e248746d6df353005f3bce186961
    29c8153556b3b6c6779b37bf15985684f";
const CLIENT_DATA: &str =
    "1703030043a23f7054b62c94d0affafe8228ba55cbefacea42f914aa66bcab3f2b9819a8a5b46b395bd54a9
    a20441e2b62974e1f5a6292a2977014bd1e3deae63aeebb21694915e4";
const SERVER_DATA: &str =
    "17030300432e937e11ef4ac740e538ad36005fc4a46932fc3225d05f82aa1b36e30efaf97d90e6dffc602dc
    b501a59a8fcc49c4bf2e5f0a21c0047c2abf332540dd032e167c2955d";
const CLIENT_CLOSE: &str = "1703030013c9872760655666b74d7ff1153efd6db6d0b0e3";
const SERVER_CLOSE: &str = "1703030013b58fd67166ebf599d24720cfbe7efa7a8864a9";

/// What both sides send: the bytes 0 to 49.
fn data() -> String {
    (0..50).map(char::from).collect()
}

#[test]
fn the_simple_handshake_of_rfc_8448_opens_byte_for_byte() {
    for piece in [1, 7, 100, usize::MAX] {
        let mut wire = Wire::in_pieces(piece);
        wire.keys(simple());
        wire.c(hex(CLIENT_HELLO)).s(hex(SERVER_HELLO)).s(hex(SERVER_FLIGHT)).c(hex(CLIENT_FINISHED));
        wire.s(hex(TICKET)).c(hex(CLIENT_DATA)).s(hex(SERVER_DATA)).c(hex(CLIENT_CLOSE)).s(hex(SERVER_CLOSE));
        let said: Vec<_> = wire.all().into_iter().filter(|line| !line.contains("protocol")).collect();
        let has = |part: &str| said.iter().any(|line| line.contains(part));
        // The certificate of section 3 has 432 bytes.
        assert!(has("opened") && has("[432]"), "{said:#?}");
        let shown = |text: &str| said.iter().filter(|line| line.contains(text)).count();
        assert_eq!(shown(&data()), 2, "pieces of {piece}: {said:#?}");
        assert!(!has("weird") && !has("locked") && !has("## encrypted"), "{said:#?}");
        // The fragments of both records (section 3), tags and all: what they hold may be longer, if it is compressed.
        assert_eq!(wire.opened(), [0x43, 0x43], "pieces of {piece}");
    }
}

#[test]
fn a_record_whose_tag_is_wrong_is_reported_and_not_shown() {
    let mut bad = hex(CLIENT_DATA);
    let last = bad.len() - 1;
    bad[last] ^= 1;
    let mut wire = Wire::in_pieces(usize::MAX);
    wire.keys(simple());
    wire.c(hex(CLIENT_HELLO)).s(hex(SERVER_HELLO)).s(hex(SERVER_FLIGHT)).c(hex(CLIENT_FINISHED)).c(bad);
    let said = wire.all();
    assert!(said.iter().any(|line| line == "weird tls_bad_tag"), "{said:#?}");
    assert!(!said.iter().any(|line| line.contains(&data())), "{said:#?}");
}

#[test]
fn a_record_behind_a_hole_is_opened() {
    let mut wire = Wire::in_pieces(usize::MAX);
    wire.keys(simple());
    wire.c(hex(CLIENT_HELLO)).s(hex(SERVER_HELLO)).s(hex(SERVER_FLIGHT));
    // The ticket, a record of the application's keys, is lost.
    wire.c(hex(CLIENT_FINISHED)).s_gap(hex(TICKET).len() as u64).s(hex(SERVER_DATA));
    let said = wire.all();
    assert_eq!(said.iter().filter(|line| line.contains(&data())).count(), 1, "{said:#?}");
}

#[test]
fn records_wait_for_a_secret_that_may_come_and_no_longer() {
    let mut later = Keyring::default();
    later.await_more(true);
    let mut wire = Wire::in_pieces(usize::MAX);
    wire.keys(later.clone());
    wire.c(hex(CLIENT_HELLO)).s(hex(SERVER_HELLO)).s(hex(SERVER_FLIGHT)).c(hex(CLIENT_FINISHED));
    wire.keys(simple());
    wire.s(hex(TICKET)).c(hex(CLIENT_DATA)).s(hex(SERVER_DATA));
    let said = wire.all();
    assert_eq!(said.iter().filter(|line| line.contains(&data())).count(), 2, "{said:#?}");
    // Without any hope nothing waits.
    let mut wire = Wire::in_pieces(usize::MAX);
    wire.keys(Keyring::default());
    wire.c(hex(CLIENT_HELLO)).s(hex(SERVER_HELLO)).s(hex(SERVER_FLIGHT)).c(hex(CLIENT_DATA));
    assert!(!wire.all().iter().any(|line| line.contains("opened")));
}

/// Sessions with the server's part before the client's, or the client's before the server's hello.
fn out_of_order(wire: &mut Wire, server_first: bool) {
    let server = [SERVER_HELLO, SERVER_FLIGHT, TICKET, SERVER_DATA].map(hex).concat();
    let client = [CLIENT_HELLO, CLIENT_FINISHED, CLIENT_DATA].map(hex).concat();
    if server_first {
        wire.s(server).c(client)
    } else {
        wire.c(client).s(server)
    };
}

#[test]
fn what_comes_before_the_other_sides_hello_waits_for_it() {
    for piece in [1, 7, 100, usize::MAX] {
        for server_first in [true, false] {
            for ended in [true, false] {
                let mut wire = Wire::in_pieces(piece);
                wire.keys(simple());
                match (server_first, ended) {
                    (_, false) => out_of_order(&mut wire, server_first),
                    (true, true) => {
                        wire.s([SERVER_HELLO, SERVER_FLIGHT, TICKET, SERVER_DATA].map(hex).concat());
                        assert!(wire.reserved() > 0, "its hello waits for the client's");
                        wire.s_end(End::Complete);
                        wire.c([CLIENT_HELLO, CLIENT_FINISHED, CLIENT_DATA].map(hex).concat());
                    }
                    (false, true) => {
                        wire.c([CLIENT_HELLO, CLIENT_FINISHED, CLIENT_DATA].map(hex).concat());
                        assert!(wire.reserved() > 0, "what is behind the hello waits for the server's");
                        wire.c_end(End::Complete);
                        wire.s([SERVER_HELLO, SERVER_FLIGHT, TICKET, SERVER_DATA].map(hex).concat());
                    }
                }
                let mut said = wire.said();
                match (server_first, ended) {
                    (true, true) => wire.c_end(End::Complete),
                    (false, true) => wire.s_end(End::Complete),
                    (_, false) => wire.c_end(End::Complete).s_end(End::Complete),
                };
                said.extend(wire.said());
                let shown = said.iter().filter(|line| line.contains(&data())).count();
                assert_eq!(shown, 2, "{piece} {server_first} {ended}: {said:#?}");
                assert!(
                    said.iter().all(|line| !line.contains("weird") && !line.contains("## enc")),
                    "{said:#?}"
                );
                assert_eq!(wire.reserved(), 0);
            }
        }
    }
}

#[test]
fn what_waits_for_a_hello_that_never_comes_is_bounded_and_read_in_the_end() {
    // Without the server's part the client's is opened all the same.
    for lost in [true, false] {
        let mut wire = Wire::new();
        wire.keys(simple());
        wire.c([CLIENT_HELLO, CLIENT_FINISHED, CLIENT_DATA].map(hex).concat());
        if lost {
            wire.s_gap(100);
        }
        let said = wire.all();
        assert!(said.iter().any(|line| line.contains(&data())), "{lost}: {said:#?}");
    }
    // A server's part alone is none the less one of TLS.
    let mut wire = Wire::new();
    wire.keys(simple());
    wire.s([SERVER_HELLO, SERVER_FLIGHT].map(hex).concat());
    assert!(wire.all().iter().any(|line| line.starts_with("server")));
    // Too many bytes, and too long.
    for pause in [0, 5] {
        let mut wire = Wire::new();
        wire.keys(simple());
        wire.s([SERVER_HELLO, SERVER_FLIGHT].map(hex).concat());
        wire.frame += pause;
        let records = if pause > 0 { 1 } else { 1 + limits::TLS_WAIT_FLOW / hex(SERVER_DATA).len() };
        wire.s(hex(SERVER_DATA).repeat(records));
        assert_eq!(wire.reserved(), 0);
        let said = wire.all();
        assert_eq!(said.iter().filter(|line| *line == "weird tls_order_limit").count(), 1, "{said:#?}");
    }
}

#[test]
fn what_waited_and_is_no_session_is_scanned() {
    let mut wire = Wire::new();
    wire.keys(simple());
    let junk = [&[22, 3, 3, 0, 4, 2, 0, 0, 0][..], b"GET / HTTP/1.1"].concat();
    wire.s(&junk).c(hex(CLIENT_HELLO));
    let said = wire.all();
    assert!(said.iter().any(|line| line.contains("opaque") && line.contains("HTTP/1.1")), "{said:#?}");
}
