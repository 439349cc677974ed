//! SMTP, IMAP, POP3: logins, STARTTLS, mails.

use super::conversation::Conversation;
use super::tape::Wire;

/// `\0alice\0secret` in base64.
const PLAIN: &str = "AGFsaWNlAHNlY3JldA==";
/// `n,a=alice,\x01auth=Bearer abc\x01\x01` in base64.
const BEARER: &str = "bixhPWFsaWNlLAFhdXRoPUJlYXJlciBhYmMBAQ==";

#[test]
fn smtp_tells_the_login_and_the_mail() {
    Conversation::new()
        .s("220 mx.test ESMTP ready\r\n")
        .c("EHLO me\r\n")
        .s("250-mx.test\r\n250-AUTH PLAIN LOGIN\r\n250 STARTTLS\r\n")
        .c(format!("AUTH PLAIN {PLAIN}\r\n"))
        .s("235 welcome\r\n")
        .c("MAIL FROM:<a@b>\r\n")
        .s("250 ok\r\n")
        .c("DATA\r\n")
        .s("354 go on\r\n")
        .c("Subject: x\r\n\r\n..dot\r\n.\r\nQUIT\r\n")
        .s("250 queued\r\n221 bye\r\n")
        .says(&[
            "0 smtp",
            "0< reply @1",
            "0< body mx.test ESMTP ready",
            "0< Complete",
            "1> command @2",
            "1> body me",
            "1> Complete",
            "2< reply @3",
            "2< body mx.test",
            "2< Complete",
            "3< reply @3",
            "3< body AUTH PLAIN LOGIN",
            "3< Complete",
            "4< reply @3",
            "4< body STARTTLS",
            "4< Complete",
            "5> sasl sasl:plain=AGFsaWNlAHNlY3JldA== @4",
            "5> Complete",
            "login plain password offered accepted @4",
            "6< reply @5",
            "6< body welcome",
            "6< Complete",
            "7> command @6",
            "7> body FROM:<a@b>",
            "7> Complete",
            "8< reply @7",
            "8< body ok",
            "8< Complete",
            "9< reply @9",
            "9< body go on",
            "9< Complete",
            "10> mail @10",
            "10> body Subject: x\r\n\r\n..dot\r\n",
            "10> Complete",
            "11< reply @11",
            "11< body queued",
            "11< Complete",
            "12< reply @11",
            "12< body bye",
            "12< Complete",
        ]);
}

#[test]
fn smtp_takes_each_way_to_log_in() {
    let told = |client: &[&str]| {
        let mut wire = Wire::new();
        wire.c("EHLO me\r\n").s("250 mx\r\n");
        for (i, line) in client.iter().enumerate() {
            wire.c(format!("{line}\r\n"));
            wire.s(if i + 1 < client.len() { "334 \r\n" } else { "535 no\r\n" });
        }
        let said = wire.all();
        said.into_iter().filter(|l| l.starts_with("login") || l.contains("sasl:")).collect::<Vec<_>>()
    };
    let login = told(&["AUTH LOGIN", "YWxpY2U=", "c2VjcmV0"]);
    assert_eq!(login[0][1..], *"> sasl sasl:login=YWxpY2U= @5");
    assert_eq!(login[1][1..], *"> sasl sasl:login=c2VjcmV0 @7");
    assert_eq!(login[2], "login login password - refused @7");
    let bearer = told(&["AUTH OAUTHBEARER", BEARER, "AQ=="]);
    assert_eq!(bearer.last().unwrap(), "login oauthbearer bearer - refused @5");
    assert_eq!(told(&["AUTH CRAM-MD5", "YWxpY2UgYWJj"]).last().unwrap(), "login cram-md5 hash - refused @5");
    assert_eq!(told(&["AUTH EXTERNAL ="]).last().unwrap(), "login external nothing - refused @3");
    let cancelled = told(&["AUTH PLAIN", "*"]);
    assert!(cancelled.is_empty(), "{cancelled:?}");
}

#[test]
fn what_follows_starttls_is_tls() {
    let hello = [22, 3, 1, 0, 5, 1, 0, 0, 1, 0];
    let smtp = Conversation::new()
        .s("220 mx ESMTP\r\n")
        .c("EHLO a\r\n")
        .s("250 STARTTLS\r\n")
        .c("STARTTLS\r\n")
        .s("220 go\r\n");
    let imap = Conversation::new().s("* OK ready\r\n").c("a1 STARTTLS\r\n").s("a1 OK begin\r\n");
    let pop3 = Conversation::new().s("+OK ready\r\n").c("STLS\r\n").s("+OK begin\r\n");
    for conversation in [smtp, imap, pop3] {
        let mut wire = Wire::new();
        for (dir, bytes) in &conversation.c(hello).0 {
            wire.say(*dir, bytes);
        }
        let said = wire.all();
        assert!(
            said.contains(&"1 tls".to_owned()) && said.contains(&"weird tls_bad_hello".to_owned()),
            "{said:?}"
        );
    }
    // The answer was not captured.
    let mut wire = Wire::new();
    wire.c("EHLO a\r\nSTARTTLS\r\n").c(hello);
    assert!(wire.all().contains(&"1 tls".to_owned()));
    // It was no.
    let mut wire = Wire::new();
    wire.c("EHLO a\r\n")
        .s("250 STARTTLS\r\n")
        .c("STARTTLS\r\n")
        .s("454 no\r\n")
        .c(format!("AUTH PLAIN {PLAIN}\r\n"));
    let said = wire.s("235 ok\r\n").all();
    assert!(said.contains(&"login plain password refused accepted @5".to_owned()), "{said:?}");
}

#[test]
fn mails_come_in_chunks_too_and_go_on_behind_a_hole() {
    let mut wire = Wire::new();
    wire.c("EHLO me\r\nBDAT 5\r\nhelloBDAT 6 LAST\r\n world").said();
    wire.c("DATA\r\nab").c_gap(3).c("cd\r\n.\r\nNOOP\r\n");
    let said = wire.said();
    assert_eq!(said, ["2> mail @2", "2> body ab", "2> hole 3", "2> body cd\r\n", "2> Complete"]);
    let mut wire = Wire::new();
    wire.c("EHLO me\r\nBDAT 5\r\nhelloBDAT 6 LAST\r\n world");
    let said = wire.all();
    assert_eq!(
        said[1..],
        ["0> command @1", "0> body me", "0> Complete", "1> mail @1", "1> body hello world", "1> Complete"]
    );
}

#[test]
fn imap_tells_the_login_and_the_mail() {
    Conversation::new()
        .s("* OK [CAPABILITY IMAP4rev1 STARTTLS] ready\r\n")
        .c("a1 LOGIN alice \"sec ret\"\r\n")
        .s("a1 OK in\r\n")
        .c("a2 FETCH 1 BODY[]\r\n")
        .s("* 1 FETCH (BODY[] {5}\r\nhello)\r\na2 OK done\r\n")
        .says(&[
            "0 imap",
            "0< reply @1",
            "0< body * OK [CAPABILITY IMAP4rev1 STARTTLS] ready",
            "0< Complete",
            "1> connect connect:user=alice @2",
            "1> Complete",
            "2> connect connect:password=sec ret @2",
            "2> Complete",
            "login password password offered accepted @2",
            "3< reply @3",
            "3< body a1 OK in",
            "3< Complete",
            "4> command @4",
            "4> body 1 BODY[]",
            "4> Complete",
            "5< reply @5",
            "5< body * 1 FETCH (BODY[] {5}",
            "5< Complete",
            "6< mail @5",
            "6< body hello",
            "6< Complete",
            "7< reply @5",
            "7< body )",
            "7< Complete",
            "8< reply @5",
            "8< body a2 OK done",
            "8< Complete",
        ]);
}

#[test]
fn imap_takes_passwords_in_literals_and_bearer_tokens() {
    Conversation::new()
        .c("a1 LOGIN {5}\r\n")
        .s("+ go on\r\n")
        .c("alice {6+}\r\nsecret\r\n")
        .s("a1 NO no\r\n")
        .c(format!("a2 AUTHENTICATE XOAUTH2 {BEARER}\r\n"))
        .s("+ eyJzdGF0dXMiOiI0MDAifQ==\r\n")
        .c("\r\n")
        .s("a2 NO no\r\n")
        .says(&[
            "0 imap",
            "0< reply @2",
            "0< body + go on",
            "0< Complete",
            "1> connect connect:user=alice @3",
            "1> Complete",
            "2> connect connect:password=secret @3",
            "2> Complete",
            "login password password - refused @3",
            "3< reply @4",
            "3< body a1 NO no",
            "3< Complete",
            "4> sasl sasl:xoauth2=bixhPWFsaWNlLAFhdXRoPUJlYXJlciBhYmMBAQ== @5",
            "4> Complete",
            "5< reply @6",
            "5< body + eyJzdGF0dXMiOiI0MDAifQ==",
            "5< Complete",
            "6> sasl sasl:xoauth2= @7",
            "6> Complete",
            "login xoauth2 bearer - refused @5",
            "7< reply @8",
            "7< body a2 NO no",
            "7< Complete",
        ]);
}

#[test]
fn pop3_tells_the_login_and_the_mail() {
    Conversation::new()
        .s("+OK ready\r\n")
        .c("CAPA\r\n")
        .s("+OK\r\nSTLS\r\nUSER\r\n.\r\n")
        .c("USER alice\r\n")
        .s("+OK\r\n")
        .c("PASS sec ret\r\n")
        .s("+OK in\r\n")
        .c("RETR 1\r\n")
        .s("+OK\r\nhello\r\n.\r\n")
        .says(&[
            "0 pop3",
            "0< reply @1",
            "0< body +OK ready",
            "0< Complete",
            "1< reply @3",
            "1< body +OK",
            "1< Complete",
            "2< reply @3",
            "2< body STLS",
            "2< Complete",
            "3< reply @3",
            "3< body USER",
            "3< Complete",
            "4< reply @3",
            "4< body .",
            "4< Complete",
            "5> connect connect:user=alice @4",
            "5> Complete",
            "6< reply @5",
            "6< body +OK",
            "6< Complete",
            "7> connect connect:password=sec ret @6",
            "7> Complete",
            "8< reply @7",
            "8< body +OK in",
            "8< Complete",
            "login password password offered accepted @6",
            "9> command @8",
            "9> body 1",
            "9> Complete",
            "10< reply @9",
            "10< body +OK",
            "10< Complete",
            "11< mail @9",
            "11< body hello\r\n",
            "11< Complete",
        ]);
    let mut wire = Wire::new();
    wire.s("+OK <1@pop>\r\n").c("APOP alice c4c9334bac560ecc979e58001b3e22fb\r\n").s("-ERR no\r\n");
    assert!(wire.all().contains(&"login apop hash - refused @2".to_owned()));
}
