//! FTP, Telnet, SOCKS, Redis, NATS, STOMP: logins, and what is said besides.

use super::conversation::Conversation;
use super::tape::Wire;

#[test]
fn ftp_tells_the_login() {
    Conversation::new()
        .s("220-hello\r\n220 FTP server\r\n")
        .c("USER alice\r\n")
        .s("331 password?\r\n")
        .c("PASS secret\r\n")
        .s("230-in\r\n more\r\n230 ok\r\n")
        .c("CWD x\r\n")
        .says(&[
            "0 ftp",
            "0< reply @1",
            "0< body 220-hello",
            "0< Complete",
            "1< reply @1",
            "1< body 220 FTP server",
            "1< Complete",
            "2> connect connect:user=alice @2",
            "2> Complete",
            "3< reply @3",
            "3< body 331 password?",
            "3< Complete",
            "4> connect connect:password=secret @4",
            "4> Complete",
            "5< reply @5",
            "5< body 230-in",
            "5< Complete",
            "6< reply @5",
            "6< body  more",
            "6< Complete",
            "login password password - accepted @4",
            "7< reply @5",
            "7< body 230 ok",
            "7< Complete",
            "8> command @6",
            "8> body x",
            "8> Complete",
        ]);
    let mut wire = Wire::new();
    wire.s("220 ready\r\n").c("USER anonymous\r\n").s("331 ok\r\n").c("PASS me@\r\n").s("230 in\r\n");
    assert!(wire.all().contains(&"login password nothing - accepted @4".to_owned()));
    let mut wire = Wire::new();
    wire.s("220 ready\r\n").c("AUTH TLS\r\n").s("234 go\r\n").c([22, 3, 1, 0, 5, 1, 0, 0, 1, 0]);
    let said = wire.all();
    assert!(said.contains(&"1 tls".to_owned()), "{said:?}");
}

#[test]
fn telnet_tells_what_is_typed_at_the_prompt() {
    Conversation::new()
        .s([&[255, 253, 24, 255, 250, 24, 1, 255, 240][..], b"login: "].concat())
        .c([&[255, 251, 24][..], b"alice\r\n"].concat())
        .s("\r\nPassword: ")
        .c("secret\r\nls\r\n")
        .says(&[
            "0 telnet",
            "<< opaque login: \r\nPassword: ",
            ">> opaque alice\r\nsecret\r\nls\r\n",
            "login password password - - @4",
            ">> over",
            "<< over",
        ]);
}

#[test]
fn socks_opens_a_tunnel() {
    let request = [&[5, 1, 0, 3, 6][..], b"a.test", &[0, 80]].concat();
    Conversation::new()
        .c([5, 2, 0, 2])
        .s([5, 2])
        .c([&[1, 5][..], b"alice", &[6], b"secret"].concat())
        .s([1, 0])
        .c(request)
        .s([5, 0, 0, 1, 0, 0, 0, 0, 0, 0])
        .c("GET / HTTP/1.1\r\n\r\n")
        .s("HTTP/1.1 204 No Content\r\n\r\n")
        .says(&[
            "0 socks",
            "0> connect connect:user=alice @3",
            "0> Complete",
            "1> connect connect:password=secret @3",
            "1> Complete",
            "login password password - accepted @3",
            "2> connect @5",
            "2> body \u{6}a.test\0P",
            "2> Complete",
            "1 http1",
            "3> GET / @7",
            "3> Complete",
            "3< 204 @8",
            "3< Complete",
        ]);
    Conversation::new()
        .c([4, 1, 0, 80, 0, 0, 0, 1, b'm', b'e', 0, b'a', b'.', b't', 0])
        .s([0, 90, 0, 0, 0, 0, 0, 0])
        .c("GET / HTTP/1.1\r\n\r\n")
        .says(&[
            "0 socks",
            "0> connect @1",
            "0> body me\0a.t\0",
            "0> Complete",
            "1 http1",
            "1> GET / @3",
            "1> Complete",
            "1< Cut",
        ]);
}

#[test]
fn redis_tells_the_login_and_values() {
    Conversation::new()
        .c("*3\r\n$4\r\nAUTH\r\n$5\r\nalice\r\n$6\r\nsecret\r\n")
        .s("+OK\r\n")
        .c("*3\r\n$3\r\nSET\r\n$1\r\nk\r\n$7\r\n{\"a\":1}\r\n*2\r\n$3\r\nGET\r\n$1\r\nk\r\n")
        .s("+OK\r\n$7\r\n{\"a\":1}\r\n")
        .s("*2\r\n%1\r\n+a\r\n:1\r\n$-1\r\n")
        .says(&[
            "0 redis",
            "0> connect connect:user=alice @1",
            "0> Complete",
            "1> connect connect:password=secret @1",
            "1> Complete",
            "2< reply @2",
            "2< body OK",
            "2< Complete",
            "login password password - accepted @1",
            "3> command command:set=k @3",
            "3> Complete",
            "4> command @3",
            "4> body {\"a\":1}",
            "4> Complete",
            "5> command command:get=k @3",
            "5> Complete",
            "6< reply @4",
            "6< body OK",
            "6< Complete",
            "7< reply @4",
            "7< body {\"a\":1}",
            "7< Complete",
            "8< reply @5",
            "8< body a",
            "8< Complete",
            "9< reply @5",
            "9< body 1",
            "9< Complete",
        ]);
}

#[test]
fn redis_takes_hello_and_what_is_typed() {
    let login = |client: &str, server: &str| {
        let mut wire = Wire::new();
        wire.c("*1\r\n$4\r\nPING\r\n").s("+PONG\r\n").c(client).s(server);
        wire.all().into_iter().filter(|l| l.starts_with("login")).collect::<Vec<_>>()
    };
    let hello = "*5\r\n$5\r\nHELLO\r\n$1\r\n3\r\n$4\r\nauth\r\n$1\r\na\r\n$1\r\nb\r\n";
    assert_eq!(login(hello, "%1\r\n+a\r\n+b\r\n"), ["login password password - accepted @3"]);
    assert_eq!(login("AUTH secret\r\n", "-WRONGPASS no\r\n"), ["login password password - refused @3"]);
    assert_eq!(login("AUTH eyJ.a.b\r\n", ""), ["login password token - - @3"]);
    let long = "*2\r\n$3\r\nDEL\r\n$20000\r\n".to_owned() + &"x".repeat(20_000) + "\r\n";
    assert_eq!(login(&(long + "AUTH x\r\n"), ":1\r\n+OK\r\n"), ["login password password - accepted @3"]);
}

#[test]
fn nats_tells_the_login_and_messages() {
    Conversation::new()
        .s("INFO {\"server_id\":\"x\"}\r\n")
        .c("CONNECT {\"jwt\":\"eyJ.a.b\",\"sig\":\"x\"}\r\nPING\r\n")
        .s("PONG\r\n")
        .c("PUB a.b 5\r\nhello\r\nHPUB c 22 24\r\nNATS/1.0\r\nTok: eyJ\r\n\r\n{}\r\n")
        .s("MSG a.b 1 5\r\nhello\r\n")
        .says(&[
            "0 nats",
            "0< reply @1",
            "0< body {\"server_id\":\"x\"}",
            "0< Complete",
            "1> connect @2",
            "1> body {\"jwt\":\"eyJ.a.b\",\"sig\":\"x\"}",
            "1> Complete",
            "login token token - accepted @2",
            "2> publish @4",
            "2> body hello",
            "2> Complete",
            "3> publish header:Tok=eyJ @4",
            "3> body {}",
            "3> Complete",
            "4< publish @5",
            "4< body hello",
            "4< Complete",
        ]);
    let login = |json: &str| {
        let mut wire = Wire::new();
        wire.c(format!("CONNECT {json}\r\n")).s("-ERR 'Authorization Violation'\r\n");
        wire.all().into_iter().filter(|l| l.starts_with("login")).collect::<Vec<_>>()
    };
    assert_eq!(login("{\"user\":\"a\",\"pass\":\"b\"}"), ["login password password - refused @1"]);
    assert_eq!(login("{\"auth_token\":\"abc\"}"), ["login token bearer - refused @1"]);
    assert_eq!(login("{\"nkey\":\"U\",\"sig\":\"s\"}"), ["login nkey nothing - refused @1"]);
    assert!(login("{\"verbose\":false}").is_empty());
}

#[test]
fn nats_goes_over_to_tls_unasked() {
    let mut wire = Wire::new();
    wire.s("INFO {\"tls_required\":true}\r\n").c([22, 3, 1, 0, 5, 1, 0, 0, 1, 0]);
    assert!(wire.all().contains(&"1 tls".to_owned()));
    let mut wire = Wire::new();
    wire.s("INFO {\"tls_available\":true}\r\n").c("CONNECT {\"pass\":\"b\"}\r\n");
    assert!(wire.all().contains(&"login password password offered - @2".to_owned()));
}

#[test]
fn stomp_tells_the_login_and_messages() {
    Conversation::new()
        .c("CONNECT\naccept-version:1.2\nlogin:alice\npasscode:secret\n\n\0")
        .s("CONNECTED\nversion:1.2\n\n\0\n")
        .c("SEND\r\ndestination:/q\r\ncontent-length:5\r\n\r\na\0b\0c\0\nSEND\ndestination:/q\n\nhello\0")
        .says(&[
            "0 stomp",
            "0> publish connect:accept-version=1.2 connect:login=alice connect:passcode=secret @1",
            "0> Complete",
            "login password password - accepted @1",
            "1< publish header:version=1.2 @2",
            "1< Complete",
            "2> publish header:destination=/q header:content-length=5 @3",
            "2> body a\0b\0c",
            "2> Complete",
            "3> publish header:destination=/q @3",
            "3> body hello",
            "3> Complete",
        ]);
}
