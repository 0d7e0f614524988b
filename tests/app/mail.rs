//! Mail over SMTP, against a server that takes it, refuses it, or breaks at every step.

use crate::support::TestApp;
use crate::support::smtp::{Act, At, Offer, SmtpServer};
use fairway::app::App;
use fairway::clock::Clock;
use fairway::config::Settings;
use fairway::domain::Channel;
use fairway::messaging::capture::Capture;
use fairway::messaging::smtp::{Deadlines, Smtp};
use fairway::messaging::{Adapter as _, Channels, Outgoing, Receipt, SendError};
use futures_util::future::join_all;
use std::time::{Duration, Instant};

fn message(to: &str) -> Outgoing {
    Outgoing {
        to: to.into(),
        to_name: "Ada Fairway".into(),
        from_name: "Links Golf Club".into(),
        from_email: "news@club.example".into(),
        reply_to: Some("office@club.example".into()),
        subject: "The spring cup".into(),
        html: "<p>Dear Ada</p>".into(),
        text: "Dear Ada\n.\nof the dot\n".into(),
        message_id: "17.4@club.example".into(),
        list_id: Some(("Newsletter".into(), "newsletter.club.example".into())),
        unsubscribe_url: Some("https://club.example/u/abc".into()),
        date: 1_772_438_400,
        status_url: None,
        delivery: None,
        post: None,
    }
}

/// Deadlines that a test can wait for.
fn soon() -> Deadlines {
    Deadlines {
        connect: Duration::from_millis(500),
        tls: Duration::from_millis(500),
        write: Duration::from_millis(500),
        reply: Duration::from_millis(300),
        verdict: Duration::from_millis(300),
        idle: Duration::from_secs(30),
    }
}

fn smtp(url: &str) -> Smtp {
    Smtp::new(&url.into()).unwrap()
}

/// For servers that are silent: it gives up while the test still waits.
fn hasty(url: &str) -> Smtp {
    smtp(url).with_deadlines(soon())
}

async fn send(smtp: &Smtp, to: &str) -> Result<Receipt, SendError> {
    smtp.send(&message(to)).await
}

/// The kind of an outcome, and the words with it.
fn kind(outcome: Result<Receipt, SendError>) -> (&'static str, String) {
    match outcome {
        Ok(receipt) => ("taken", receipt.reply),
        Err(SendError::Temporary { reply, .. }) => ("temporary", reply),
        Err(SendError::Permanent { reply }) => ("permanent", reply),
        Err(SendError::Sender { reply }) => ("sender", reply),
        Err(SendError::Interrupted { reply }) => ("interrupted", reply),
        Err(SendError::Ambiguous { reply }) => ("ambiguous", reply),
        Err(SendError::Unreachable { reply }) => ("unreachable", reply),
    }
}

// The message arrives.

#[tokio::test]
async fn a_message_arrives_whole_and_its_receipt_says_so() {
    for no_pipelining in [false, true] {
        let server = SmtpServer::offering(Offer {
            no_pipelining,
            ..Offer::default()
        })
        .await;
        let receipt = send(&smtp(&server.url()), "ada@example.org").await.unwrap();
        assert!(receipt.is_delivered);
        assert_eq!(receipt.reply, "250 2.0.0 queued as 1");
        assert_eq!(receipt.captured, None);
        let messages = server.messages();
        assert_eq!(messages[0].from, "news@club.example");
        assert_eq!(messages[0].to, "ada@example.org");
        assert_eq!(messages[0].header("Message-ID"), "<17.4@club.example>");
        let mail = messages[0].parsed();
        assert_eq!(mail.subject(), Some("The spring cup"));
        assert_eq!(
            mail.body_text(0).unwrap().trim_end(),
            "Dear Ada\r\n.\r\nof the dot"
        );
        assert_eq!(mail.body_html(0).unwrap().trim_end(), "<p>Dear Ada</p>");
    }
}

#[tokio::test]
async fn a_large_message_arrives_whole() {
    let server = SmtpServer::start().await;
    let html = format!("<p>{}</p>", "All the results.\n".repeat(100_000));
    let large = Outgoing {
        html: html.clone(),
        ..message("ada@example.org")
    };
    smtp(&server.url()).send(&large).await.unwrap();
    let messages = server.messages();
    let received = messages[0].parsed();
    assert_eq!(
        received.body_html(0).unwrap().replace("\r\n", "\n").trim_end(),
        html
    );
}

#[tokio::test]
async fn a_message_that_no_mail_can_be_made_of_is_refused_before_anyone_is_called() {
    let server = SmtpServer::start().await;
    let (kind, reply) = kind(
        smtp(&server.url())
            .send(&Outgoing {
                subject: "The cup\r\nBcc: everyone@example.org".into(),
                ..message("ada@example.org")
            })
            .await,
    );
    assert_eq!(kind, "permanent");
    assert_eq!(
        reply,
        "The subject holds a line break or another control character."
    );
    assert_eq!(server.connections(), 0);
}

#[tokio::test]
async fn an_address_outside_ascii_needs_a_server_that_takes_it() {
    let to = "åda@example.org";
    let plain = SmtpServer::start().await;
    let (kind, reply) = kind(send(&smtp(&plain.url()), to).await);
    assert_eq!(kind, "permanent", "{reply}");
    assert!(reply.starts_with("553 5.6.7 "), "{reply}");
    let able = SmtpServer::offering(Offer {
        smtputf8: true,
        ..Offer::default()
    })
    .await;
    send(&smtp(&able.url()), to).await.unwrap();
    assert_eq!(able.messages()[0].to, to);
    assert!(
        able.messages()[0]
            .mail_command
            .ends_with(" SMTPUTF8 BODY=8BITMIME")
    );
}

// What the server says decides what becomes of the message.

#[tokio::test]
async fn every_reply_means_what_the_standard_says() {
    for no_pipelining in [false, true] {
        for (at, reply, expected) in [
            (At::Connect, "554 5.3.2 no service", "unreachable"),
            (At::Connect, "421 4.3.2 too busy", "unreachable"),
            (At::Hello, "550 5.7.1 not you", "unreachable"),
            (At::Hello, "450 4.7.1 not yet", "unreachable"),
            (At::Sender, "451 4.3.0 try later", "temporary"),
            (At::Sender, "452 4.3.1 no space", "temporary"),
            (At::Sender, "550 5.7.1 no such sender", "sender"),
            (At::Sender, "530 5.7.0 sign in", "unreachable"),
            (At::Sender, "421 4.3.2 closing", "temporary"),
            (At::Recipient, "450 4.2.0 greylisted", "temporary"),
            (At::Recipient, "452 4.2.2 mailbox full", "temporary"),
            (At::Recipient, "550 5.1.1 no such user", "permanent"),
            (At::Recipient, "553 5.1.3 odd address", "permanent"),
            (At::Recipient, "550 5.1.8 sender has no domain", "sender"),
            (At::Recipient, "421 4.7.0 slow down", "temporary"),
            (At::Data, "451 4.3.0 try later", "temporary"),
            (At::Data, "554 5.7.1 refused", "permanent"),
            (At::Data, "250 what?", "interrupted"),
            (At::Verdict, "451 4.3.0 try later", "temporary"),
            (At::Verdict, "452 4.3.1 no space", "temporary"),
            (At::Verdict, "421 4.3.2 closing", "temporary"),
            (At::Verdict, "550 5.7.1 looks like spam", "permanent"),
            (At::Verdict, "552 5.3.4 too large", "permanent"),
            (At::Verdict, "354 what?", "ambiguous"),
            (At::Verdict, "hello?", "ambiguous"),
        ] {
            let server = SmtpServer::offering(Offer {
                no_pipelining,
                ..Offer::default()
            })
            .await;
            server.script(at, Act::reply(reply));
            let (kind, words) = kind(send(&smtp(&server.url()), "ada@example.org").await);
            assert_eq!(kind, expected, "{at:?}: {reply} ({words})");
            if matches!(kind, "temporary" | "permanent" | "sender") {
                assert_eq!(words, reply);
            }
            assert_eq!(server.accepted(), [""; 0], "{at:?}: {reply}");
        }
    }
}

#[tokio::test]
async fn a_connection_that_ends_leaves_a_message_in_doubt_only_after_its_last_byte() {
    for (at, expected) in [
        (At::Connect, "unreachable"),
        (At::Hello, "unreachable"),
        (At::Sender, "interrupted"),
        (At::Recipient, "interrupted"),
        (At::Data, "interrupted"),
        (At::Verdict, "ambiguous"),
    ] {
        let server = SmtpServer::start().await;
        server.script(at, Act::HangUp);
        let (kind, words) = kind(send(&smtp(&server.url()), "ada@example.org").await);
        assert_eq!(kind, expected, "{at:?} ({words})");
    }
}

#[tokio::test]
async fn a_server_that_is_silent_leaves_a_message_in_doubt_only_after_its_last_byte() {
    for (at, expected) in [
        (At::Connect, "unreachable"),
        (At::Hello, "unreachable"),
        (At::Sender, "interrupted"),
        (At::Recipient, "interrupted"),
        (At::Data, "interrupted"),
        (At::Verdict, "ambiguous"),
    ] {
        let server = SmtpServer::start().await;
        server.script(at, Act::Hang);
        let began = Instant::now();
        let (kind, words) = kind(send(&hasty(&server.url()), "ada@example.org").await);
        assert_eq!(kind, expected, "{at:?} ({words})");
        assert!(began.elapsed() < Duration::from_secs(20), "{at:?}");
    }
}

#[tokio::test]
async fn a_message_that_was_cut_short_was_not_handed_over() {
    for act in [Act::HangUp, Act::Hang] {
        let server = SmtpServer::start().await;
        server.script(At::Content, act);
        // More than the buffers between the two hold, so that it cannot all have left.
        let large = Outgoing {
            html: "All the results.\n".repeat(300_000),
            ..message("ada@example.org")
        };
        let (kind, words) = kind(hasty(&server.url()).send(&large).await);
        assert_eq!(kind, "interrupted", "{words}");
        assert!(server.messages().is_empty());
    }
}

#[tokio::test]
async fn a_server_that_refuses_in_the_middle_of_a_message_is_understood_or_retried() {
    let server = SmtpServer::start().await;
    server.script(
        At::Content,
        Act::ReplyAndHangUp("552 5.3.4 that is too much".into()),
    );
    let large = Outgoing {
        html: "All the results.\n".repeat(300_000),
        ..message("ada@example.org")
    };
    // Its words are lost where the system throws them away with the connection.
    let (kind, words) = kind(smtp(&server.url()).send(&large).await);
    assert!(matches!(kind, "permanent" | "interrupted"), "{kind}: {words}");
}

#[tokio::test]
async fn nobody_listening_is_said_with_the_servers_name() {
    let server = SmtpServer::start().await;
    let (url, address) = (server.url(), server.address());
    drop(server);
    tokio::time::sleep(Duration::from_millis(20)).await;
    let (kind, words) = kind(send(&smtp(&url), "ada@example.org").await);
    assert_eq!(kind, "unreachable");
    assert!(
        words.starts_with(&format!("{address} cannot be reached: ")),
        "{words}"
    );
}

#[tokio::test]
async fn replies_of_several_lines_and_in_old_encodings_are_read() {
    let server = SmtpServer::start().await;
    server.script_once(
        At::Recipient,
        Act::reply("550-5.1.1 There is no such person\r\n550 5.1.1 at this club"),
    );
    server.script_once(
        At::Recipient,
        Act::Say(b"550 5.1.1 Empf\xe4nger unbekannt\r\n".to_vec()),
    );
    server.script_once(At::Recipient, Act::Say(b"550\r\n".to_vec()));
    let smtp = smtp(&server.url());
    for expected in [
        "550 5.1.1 There is no such person 5.1.1 at this club",
        "550 5.1.1 Empf\u{fffd}nger unbekannt",
        "550",
    ] {
        assert_eq!(
            kind(send(&smtp, "ada@example.org").await),
            ("permanent", expected.to_owned())
        );
    }
}

#[tokio::test]
async fn an_endless_reply_ends_the_connection_and_fills_no_memory() {
    let server = SmtpServer::start().await;
    server.script(At::Recipient, Act::Say(b"550-again\r\n".repeat(100_000)));
    let (kind, _) = kind(send(&smtp(&server.url()), "ada@example.org").await);
    assert_eq!(kind, "interrupted");
}

// Connections are kept, and never more than allowed.

#[tokio::test]
async fn one_connection_carries_many_messages() {
    let server = SmtpServer::start().await;
    let smtp = smtp(&server.url());
    for _ in 0..5 {
        send(&smtp, "ada@example.org").await.unwrap();
    }
    assert_eq!(server.accepted().len(), 5);
    assert_eq!(server.connections(), 1);
}

#[tokio::test]
async fn a_refused_recipient_does_not_cost_the_connection_or_the_next_one() {
    for no_pipelining in [false, true] {
        let server = SmtpServer::offering(Offer {
            no_pipelining,
            ..Offer::default()
        })
        .await;
        server.script_for(
            "eve@example.org",
            At::Recipient,
            Act::reply("550 5.1.1 no such user"),
        );
        server.script_for(
            "bob@example.org",
            At::Verdict,
            Act::reply("550 5.7.1 looks like spam"),
        );
        let smtp = smtp(&server.url());
        for to in [
            "ada@example.org",
            "eve@example.org",
            "bob@example.org",
            "cyd@example.org",
        ] {
            let (kind, words) = kind(send(&smtp, to).await);
            let expected = match to {
                "eve@example.org" | "bob@example.org" => "permanent",
                _ => "taken",
            };
            assert_eq!(kind, expected, "{to} ({words})");
        }
        assert_eq!(server.accepted(), ["ada@example.org", "cyd@example.org"]);
        assert_eq!(server.connections(), 1);
    }
}

#[tokio::test]
async fn an_invited_message_to_nobody_is_ended_before_the_next() {
    // RFC 2920: a server may say 354 though it refused the recipient before.
    let server = SmtpServer::start().await;
    let smtp = smtp(&server.url());
    server.script_once(At::Recipient, Act::reply("550 5.1.1 no such user"));
    server.script_once(At::Data, Act::reply("354 go ahead"));
    // The stand-in takes the lone dot for an unknown command and answers it.
    assert_eq!(kind(send(&smtp, "eve@example.org").await).0, "permanent");
    send(&smtp, "ada@example.org").await.unwrap();
    assert!(server.commands().contains(&".".to_owned()));
    assert_eq!(server.accepted(), ["ada@example.org"]);
}

#[tokio::test]
async fn a_server_that_closed_while_idle_is_called_again_without_a_word() {
    let server = SmtpServer::start().await;
    let smtp = smtp(&server.url());
    send(&smtp, "ada@example.org").await.unwrap();
    server.close_connections().await;
    send(&smtp, "bob@example.org").await.unwrap();
    assert_eq!(server.accepted().len(), 2);
    assert_eq!(server.connections(), 2);
}

#[tokio::test]
async fn a_kept_connection_that_turns_out_dead_is_replaced_and_nothing_is_sent_twice() {
    for (at, act) in [
        (At::Sender, Act::HangUp),
        (At::Sender, Act::Hang),
        (At::Sender, Act::ReplyAndHangUp("421 4.4.2 idle too long".into())),
        (At::Recipient, Act::HangUp),
        (At::Data, Act::HangUp),
    ] {
        let server = SmtpServer::start().await;
        let smtp = hasty(&server.url());
        send(&smtp, "ada@example.org").await.unwrap();
        server.script_once(at, act.clone());
        let (kind, words) = kind(send(&smtp, "bob@example.org").await);
        assert_eq!(kind, "taken", "{at:?} {act:?} ({words})");
        assert_eq!(server.accepted(), ["ada@example.org", "bob@example.org"]);
        assert_eq!(server.connections(), 2, "{at:?} {act:?}");
    }
}

#[tokio::test]
async fn a_message_in_doubt_is_never_sent_again_by_the_pool() {
    let server = SmtpServer::start().await;
    let smtp = smtp(&server.url());
    send(&smtp, "ada@example.org").await.unwrap();
    server.script_once(At::Verdict, Act::HangUp);
    assert_eq!(kind(send(&smtp, "bob@example.org").await).0, "ambiguous");
    let read: Vec<_> = server.messages().into_iter().map(|message| message.to).collect();
    assert_eq!(read, ["ada@example.org", "bob@example.org"]);
}

#[tokio::test]
async fn no_more_connections_are_open_than_the_url_allows() {
    let server = SmtpServer::start().await;
    server.script(At::Verdict, Act::Wait(Duration::from_millis(20)));
    let smtp = smtp(&format!("{}?connections=3", server.url()));
    assert_eq!(smtp.connections(), 3);
    let outcomes = join_all((0..12).map(|n| {
        let smtp = &smtp;
        async move { send(smtp, &format!("member{n}@example.org")).await }
    }))
    .await;
    assert!(outcomes.iter().all(Result::is_ok), "{outcomes:?}");
    assert_eq!(server.most_open(), 3);
    assert_eq!(server.connections(), 3);
}

#[tokio::test]
async fn connections_that_nobody_uses_are_closed_with_a_goodbye() {
    let server = SmtpServer::start().await;
    let smtp = Smtp::new(&server.url().into())
        .unwrap()
        .with_deadlines(Deadlines {
            idle: Duration::from_millis(60),
            ..soon()
        });
    send(&smtp, "ada@example.org").await.unwrap();
    assert_eq!(server.open(), 1);
    let patience = Instant::now() + Duration::from_secs(5);
    while server.open() > 0 && Instant::now() < patience {
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    assert_eq!(server.open(), 0);
    assert_eq!(server.commands().last().unwrap(), "QUIT");
    send(&smtp, "bob@example.org").await.unwrap();
    assert_eq!(server.accepted().len(), 2);
}

// Encryption and sign-in.

/// A server that encrypts, and its certificate in a file.
async fn encrypting(offer: Offer) -> (SmtpServer, tempfile::NamedTempFile) {
    let server = SmtpServer::offering(offer).await;
    let file = tempfile::NamedTempFile::new().unwrap();
    std::fs::write(file.path(), server.certificate()).unwrap();
    (server, file)
}

#[tokio::test]
async fn encryption_that_is_offered_is_taken_with_any_certificate() {
    let (server, _) = encrypting(Offer {
        starttls: true,
        ..Offer::default()
    })
    .await;
    send(&smtp(&server.url()), "ada@example.org").await.unwrap();
    assert!(server.messages()[0].is_encrypted);
}

#[tokio::test]
async fn encryption_can_be_refused_by_the_url() {
    let (server, _) = encrypting(Offer {
        starttls: true,
        ..Offer::default()
    })
    .await;
    send(&smtp(&format!("{}?tls=none", server.url())), "ada@example.org")
        .await
        .unwrap();
    assert!(!server.messages()[0].is_encrypted);
}

#[tokio::test]
async fn required_encryption_wants_a_certificate_that_is_trusted() {
    for implicit_tls in [false, true] {
        let (server, file) = encrypting(Offer {
            starttls: !implicit_tls,
            implicit_tls,
            ..Offer::default()
        })
        .await;
        let url = format!("{}?tls=required", server.url());
        let (kind, words) = kind(send(&smtp(&url), "ada@example.org").await);
        assert_eq!(kind, "unreachable");
        assert!(words.contains("No encrypted connection to 127.0.0.1:"), "{words}");
        assert!(server.messages().is_empty());
        let trusting = format!("{url}&ca={}", file.path().display());
        send(&smtp(&trusting), "ada@example.org").await.unwrap();
        assert!(server.messages()[0].is_encrypted);
    }
}

#[tokio::test]
async fn required_encryption_that_is_not_offered_sends_nothing() {
    let server = SmtpServer::start().await;
    let url = format!("{}?tls=required", server.url());
    let (kind, words) = kind(send(&smtp(&url), "ada@example.org").await);
    assert_eq!(kind, "unreachable");
    assert!(words.contains("offers no encryption"), "{words}");
    assert!(server.messages().is_empty());
}

#[tokio::test]
async fn words_before_the_encryption_are_not_taken_for_words_under_it() {
    let (server, file) = encrypting(Offer {
        starttls: true,
        ..Offer::default()
    })
    .await;
    server.script(
        At::StartTls,
        Act::reply("220 go ahead\r\n250-injected\r\n250 AUTH PLAIN"),
    );
    let url = format!("{}?tls=required&ca={}", server.url(), file.path().display());
    let (kind, words) = kind(send(&smtp(&url), "ada@example.org").await);
    assert_eq!(kind, "unreachable");
    assert!(words.contains("unencrypted words"), "{words}");
}

fn with_sign_in(url: &str, name_and_password: &str) -> String {
    url.replace("://", &format!("://{name_and_password}@"))
}

#[tokio::test]
async fn name_and_password_are_given_as_the_server_asks() {
    for only_login in [false, true] {
        let server = SmtpServer::offering(Offer {
            sign_in: Some(("news@club.example".into(), "s e:cret".into())),
            only_login,
            ..Offer::default()
        })
        .await;
        let url = with_sign_in(&server.url(), "news%40club.example:s%20e%3Acret");
        send(&smtp(&url), "ada@example.org").await.unwrap();
        assert_eq!(server.accepted(), ["ada@example.org"]);
    }
}

#[tokio::test]
async fn a_refused_sign_in_is_the_servers_trouble_and_not_the_messages() {
    let server = SmtpServer::offering(Offer {
        sign_in: Some(("news".into(), "secret".into())),
        ..Offer::default()
    })
    .await;
    let wrong = with_sign_in(&server.url(), "news:hunter2");
    let (wrong_kind, words) = kind(send(&smtp(&wrong), "ada@example.org").await);
    assert_eq!(wrong_kind, "unreachable");
    assert!(words.contains("535 5.7.8"), "{words}");
    assert!(!words.contains("hunter2"), "{words}");
    let (none_kind, words) = kind(send(&smtp(&server.url()), "ada@example.org").await);
    assert_eq!(none_kind, "unreachable", "{words}");
    assert!(server.messages().is_empty());
}

#[tokio::test]
async fn a_server_without_sign_in_is_not_sent_to_with_a_password() {
    let server = SmtpServer::start().await;
    let url = with_sign_in(&server.url(), "news:secret");
    let (kind, words) = kind(send(&smtp(&url), "ada@example.org").await);
    assert_eq!(kind, "unreachable");
    assert!(words.contains("offers no sign-in"), "{words}");
    assert!(
        server
            .commands()
            .iter()
            .all(|command| !command.starts_with("AUTH"))
    );
}

#[tokio::test]
async fn a_server_can_be_checked_without_sending() {
    let server = SmtpServer::start().await;
    let smtp = smtp(&server.url());
    smtp.check().await.unwrap();
    assert!(server.messages().is_empty());
    send(&smtp, "ada@example.org").await.unwrap();
    assert_eq!(server.connections(), 1, "the connection of the check is used");
    drop(server);
    tokio::time::sleep(Duration::from_millis(20)).await;
    let gone = Smtp::new(&"smtp://127.0.0.1:1".into()).unwrap();
    assert!(matches!(gone.check().await, Err(SendError::Unreachable { .. })));
}

// The product is wired to it.

#[tokio::test]
async fn without_a_server_a_message_is_handed_back_whole_instead_of_sent() {
    let receipt = Capture.send(&message("ada@example.org")).await.unwrap();
    assert!(receipt.is_delivered);
    let raw = receipt.captured.unwrap();
    assert!(raw.contains("To: \"Ada Fairway\" <ada@example.org>\r\n"), "{raw}");
}

#[tokio::test]
async fn the_setting_decides_between_the_server_and_the_mailbox() {
    let app = TestApp::spawn().await;
    let captured = Channels::of(&app.cx.settings).unwrap();
    let adapter = captured.get(Channel::Email).unwrap();
    assert_eq!(adapter.place(), "the capture mailbox");
    let server = SmtpServer::start().await;
    let app = TestApp::spawn_with(|settings| settings.smtp_url = Some(server.url().into())).await;
    let sending = Channels::of(&app.cx.settings).unwrap();
    let adapter = sending.get(Channel::Email).unwrap();
    assert_eq!(adapter.place(), server.address().to_string());
    adapter.send(&message("ada@example.org")).await.unwrap();
    assert_eq!(server.accepted(), ["ada@example.org"]);
}

#[tokio::test]
async fn a_wrong_address_of_the_server_stops_the_start_with_a_sentence() {
    let dir = tempfile::tempdir().unwrap();
    let mut settings = Settings::in_dir(dir.path()).unwrap();
    settings.listen = "127.0.0.1:0".parse().unwrap();
    settings.smtp_url = Some("smtp://news:hunter2@mail.example?tls=perhaps".into());
    let Err(error) = App::build(settings, Clock::System).await else {
        panic!("it started");
    };
    assert_eq!(
        error.to_string(),
        "In FAIRWAY_SMTP_URL, tls= is either required or none"
    );
}

#[tokio::test]
async fn the_doctor_signs_in_at_the_mail_server() {
    let server = SmtpServer::offering(Offer {
        sign_in: Some(("news".into(), "secret".into())),
        ..Offer::default()
    })
    .await;
    for (sign_in, line) in [
        (
            "news:secret",
            format!("ok    mail: {} takes mail from us", server.address()),
        ),
        (
            "news:hunter2",
            format!(
                "FAIL  mail: {}: 535 5.7.8 Error: authentication failed",
                server.address()
            ),
        ),
    ] {
        let dir = tempfile::tempdir().unwrap();
        let output = tokio::process::Command::new(env!("CARGO_BIN_EXE_fairway"))
            .arg("doctor")
            .current_dir(dir.path())
            .env_clear()
            .env("FAIRWAY_SMTP_URL", with_sign_in(&server.url(), sign_in))
            .output()
            .await
            .unwrap();
        let said = String::from_utf8(output.stdout).unwrap();
        assert!(said.lines().any(|found| found == line), "{said}");
    }
    assert!(server.messages().is_empty());
}
