//! PostgreSQL, MySQL, LDAP: logins, encryption that is asked for, and what is said besides.

use super::conversation::Conversation;
use super::tape::Wire;

const HELLO: [u8; 10] = [22, 3, 1, 0, 5, 1, 0, 0, 1, 0];

fn logins(wire: &mut Wire) -> Vec<String> {
    wire.all().into_iter().filter(|l| l.starts_with("login")).collect()
}

/// A message of PostgreSQL.
fn pg(kind: &str, body: &[u8]) -> Vec<u8> {
    [kind.as_bytes(), &(body.len() as u32 + 4).to_be_bytes(), body].concat()
}

fn startup() -> Vec<u8> {
    pg("", &[&[0, 3, 0, 0][..], b"user\0alice\0database\0shop\0\0"].concat())
}

#[test]
fn postgresql_tells_the_login_and_queries() {
    Conversation::new()
        .c(pg("", &80_877_103_u32.to_be_bytes()))
        .s("N")
        .c(startup())
        .s(pg("R", &[0, 0, 0, 3]))
        .c(pg("p", b"secret\0"))
        .s([pg("R", &[0; 4]), pg("Z", b"I")].concat())
        .c(pg("Q", b"select 1\0"))
        .says(&[
            "0 postgresql",
            "0> connect connect:user=alice connect:database=shop @3",
            "0> Complete",
            "1> connect connect:password=secret @5",
            "1> Complete",
            "login password password refused accepted @5",
            "2< reply @6",
            "2< body I",
            "2< Complete",
            "3> command @7",
            "3> body select 1\0",
            "3> Complete",
        ]);
}

#[test]
fn postgresql_tells_the_values_of_rows_and_parameters() {
    let value = |text: &str| [&(text.len() as u32).to_be_bytes()[..], text.as_bytes()].concat();
    let row = [&[0, 3][..], &value("short"), &[0xff; 4], &value("{\"token\": \"long\"}")].concat();
    let bound = [b"\0st\0\0\x01\0\0\0\x01"[..].to_vec(), value("sixteen bytes or more"), vec![0, 0]].concat();
    Conversation::new().c(startup()).s(pg("D", &row)).c(pg("B", &bound)).c(pg("B", b"cut")).says(&[
        "0 postgresql",
        "0> connect connect:user=alice connect:database=shop @1",
        "0> Complete",
        "1< reply @2",
        "1< body {\"token\": \"long\"}",
        "1< Complete",
        "2> command @3",
        "2> body sixteen bytes or more",
        "2> Complete",
        "3> command @4",
        "3> body cut",
        "3> Complete",
    ]);
}

#[test]
fn postgresql_takes_sasl_hashes_and_tls() {
    let bearer = b"n,,\x01auth=Bearer abc\x01\x01";
    let initial = [b"OAUTHBEARER\0", &(bearer.len() as u32).to_be_bytes()[..], bearer].concat();
    let mut wire = Wire::new();
    wire.c(startup()).s(pg("R", &[&[0, 0, 0, 10][..], b"OAUTHBEARER\0\0"].concat())).c(pg("p", &initial));
    wire.s(pg("E", b"SFATAL\0\0"));
    let said = wire.all();
    assert!(
        said.contains(&"1> sasl sasl:oauthbearer=n,,\u{1}auth=Bearer abc\u{1}\u{1} @3".to_owned()),
        "{said:?}"
    );
    assert!(said.contains(&"login oauthbearer bearer - refused @3".to_owned()), "{said:?}");
    let mut wire = Wire::new();
    wire.c(startup()).s(pg("R", &[0, 0, 0, 5, 1, 2, 3, 4])).c(pg("p", b"md5abc\0")).s(pg("R", &[0; 4]));
    assert_eq!(logins(&mut wire), ["login md5 hash - accepted @3"]);
    let mut wire = Wire::new();
    wire.c(pg("", &80_877_103_u32.to_be_bytes())).s("S").c(HELLO);
    assert!(wire.all().contains(&"1 tls".to_owned()));
}

/// A packet of MySQL.
fn my(number: u8, body: &[u8]) -> Vec<u8> {
    [&(body.len() as u32).to_le_bytes()[..3], &[number], body].concat()
}

fn greeting(capabilities: u16) -> Vec<u8> {
    let rest = [
        &capabilities.to_le_bytes()[..],
        &[8, 2, 0, 8, 0, 21],
        &[0; 10],
        b"12345678901\0caching_sha2_password\0",
    ]
    .concat();
    my(0, &[&[10][..], b"8.0.1\0", &[1, 0, 0, 0], b"12345678", &[0], &rest].concat())
}

fn response(plugin: &str, proof: &[u8]) -> Vec<u8> {
    let capabilities: u32 = 1 << 9 | 1 << 15 | 1 << 19;
    let proof = [&[proof.len() as u8][..], proof].concat();
    let head = [&capabilities.to_le_bytes()[..], &[0; 28]].concat();
    my(1, &[&head[..], b"alice\0", &proof, plugin.as_bytes(), &[0]].concat())
}

#[test]
fn mysql_tells_the_login_and_queries() {
    Conversation::new()
        .s(greeting(1 << 11))
        .c(response("mysql_native_password", &[7; 20]))
        .s(my(2, b"\xfemysql_clear_password\0"))
        .c(my(3, b"secret\0"))
        .s(my(4, &[0, 0, 0, 2, 0, 0, 0]))
        .c(my(0, b"\x03select 1"))
        .says(&[
            "0 mysql",
            "0> connect connect:user=alice @2",
            "0> Complete",
            "1> connect connect:password=secret @4",
            "1> Complete",
            "login mysql_native_password hash offered - @2",
            "login mysql_clear_password password offered accepted @4",
            "2> command @6",
            "2> body \u{3}select 1",
            "2> Complete",
        ]);
}

#[test]
fn mysql_goes_over_to_tls() {
    let mut wire = Wire::new();
    let capabilities: u32 = 1 << 9 | 1 << 11 | 1 << 15;
    wire.s(greeting(1 << 11)).c(my(1, &[&capabilities.to_le_bytes()[..], &[0; 28]].concat())).c(HELLO);
    assert!(wire.all().contains(&"1 tls".to_owned()));
    let mut wire = Wire::new();
    wire.s(greeting(0)).c(response("caching_sha2_password", &[7; 32])).s(my(2, &[1, 4])).c(my(3, &[2]));
    wire.s(my(4, &[&[1][..], &[b'x'; 300]].concat())).c(my(5, &[9; 256])).s(my(6, &[0xff, 1, 2]));
    assert_eq!(
        logins(&mut wire),
        ["login caching_sha2_password hash - - @2", "login caching_sha2_password hash - refused @6"]
    );
}

fn tlv(tag: u8, value: &[u8]) -> Vec<u8> {
    let len = match value.len() {
        n @ 0..=127 => vec![n as u8],
        n => [&[0x84][..], &(n as u32).to_be_bytes()].concat(),
    };
    [&[tag][..], &len, value].concat()
}

fn ldap(number: u8, operation: &[u8]) -> Vec<u8> {
    tlv(0x30, &[&tlv(2, &[number])[..], operation].concat())
}

fn bind(how: &[u8]) -> Vec<u8> {
    ldap(1, &tlv(0x60, &[&tlv(2, &[3])[..], &tlv(4, b"cn=a"), how].concat()))
}

fn result(number: u8, tag: u8, code: u8) -> Vec<u8> {
    ldap(number, &tlv(tag, &[tlv(0x0a, &[code]), tlv(4, b""), tlv(4, b"")].concat()))
}

#[test]
fn ldap_tells_the_login_and_attributes() {
    let attribute =
        tlv(0x30, &[tlv(4, b"mail"), tlv(0x31, &[tlv(4, b"a@b"), tlv(4, b"c@d")].concat())].concat());
    let entry = ldap(2, &tlv(0x64, &[tlv(4, b"cn=a"), tlv(0x30, &attribute)].concat()));
    Conversation::new()
        .c(bind(&tlv(0x80, b"secret")))
        .s(result(1, 0x61, 0))
        .c(ldap(2, &tlv(0x63, b"search")))
        .s([entry, result(2, 0x65, 0)].concat())
        .says(&[
            "0 ldap",
            "0> connect connect:dn=cn=a @1",
            "0> Complete",
            "1> connect connect:password=secret @1",
            "1> Complete",
            "login simple password - accepted @1",
            "2> command @3",
            "2> body search",
            "2> Complete",
            "3< attribute attribute:mail=a@b attribute:mail=c@d @4",
            "3< Complete",
            "4< reply @4",
            "4< body \n\u{1}\0\u{4}\0\u{4}\0",
            "4< Complete",
        ]);
}

#[test]
fn ldap_takes_sasl_and_tls() {
    let sasl = |message: &[u8]| bind(&tlv(0xa3, &[tlv(4, b"PLAIN"), tlv(4, message)].concat()));
    let mut wire = Wire::new();
    wire.c(sasl(b"\0a\0eyJ.a.b")).s(result(1, 0x61, 49)).c(bind(&tlv(0x80, b""))).s(result(1, 0x61, 0));
    assert_eq!(logins(&mut wire), ["login plain token - refused @1"]);
    let start = ldap(1, &tlv(0x77, &tlv(0x80, b"1.3.6.1.4.1.1466.20037")));
    let mut wire = Wire::new();
    wire.c(&start).s(result(1, 0x78, 0)).c(HELLO);
    assert!(wire.all().contains(&"1 tls".to_owned()));
    let mut wire = Wire::new();
    wire.c(start).s(result(1, 0x78, 2)).c(bind(&tlv(0x80, b"secret"))).s(result(1, 0x61, 0));
    assert_eq!(logins(&mut wire), ["login simple password refused accepted @3"]);
}

#[test]
fn a_message_that_is_too_long_to_be_read_is_scanned() {
    let long = ldap(2, &tlv(0x64, &[b'x'; 100_000]));
    let mut wire = Wire::new();
    wire.c(bind(&tlv(0x80, b""))).s(result(1, 0x61, 0)).s(&long).s(result(3, 0x65, 0));
    let said = wire.all();
    let short: Vec<_> = said.iter().map(|l| &l[..l.len().min(40)]).collect();
    assert!(said.iter().any(|l| l.starts_with("<< opaque") && l.len() > 100_000), "{short:?}");
    assert!(said.iter().any(|l| l.contains("< reply")), "the next message is read");
}

#[test]
fn xmpp_tells_the_login_and_stanzas() {
    let head = "<stream:stream to='a.test' xmlns='jabber:client' xmlns:stream='s'>";
    Conversation::new()
        .c(format!("<?xml version='1.0'?>{head}"))
        .s(format!("{head}<stream:features><starttls xmlns='t'/></stream:features>"))
        .c("<auth xmlns='x' mechanism='PLAIN'>AGFsaWNlAHNlY3JldA==</auth>")
        .s("<success xmlns='x'/>")
        .c(head)
        .c("<message to='b'><body>hi &gt; there</body></message>")
        .says(&[
            "0 xmpp",
            "0> stanza @1",
            "0> body <?xml version='1.0'?>",
            "0> Complete",
            "1> stanza @1",
            &format!("1> body {head}"),
            "1> Complete",
            "2< stanza @2",
            &format!("2< body {head}"),
            "2< Complete",
            "3< stanza @2",
            "3< body <stream:features><starttls xmlns='t'/></stream:features>",
            "3< Complete",
            "4> sasl sasl:plain=AGFsaWNlAHNlY3JldA== @3",
            "4> Complete",
            "login plain password offered accepted @3",
            "5< stanza @4",
            "5< body <success xmlns='x'/>",
            "5< Complete",
            "6> stanza @5",
            &format!("6> body {head}"),
            "6> Complete",
            "7> stanza @6",
            "7> body <message to='b'><body>hi &gt; there</body></message>",
            "7> Complete",
        ]);
    let mut wire = Wire::new();
    wire.c(head).s(head).c("<starttls xmlns='t'/>").s("<proceed xmlns='t'/>").c(HELLO);
    assert!(wire.all().contains(&"1 tls".to_owned()));
}
