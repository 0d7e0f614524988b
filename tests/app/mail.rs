//! Mail over SMTP, against a server that takes it, refuses it, or breaks at every step.

use crate::support::smtp::SmtpServer;
use fairway::messaging::smtp::{Deadlines, Smtp};
use fairway::messaging::{Adapter as _, Outgoing, Receipt, SendError};
use std::time::Duration;

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
    Smtp::new(&url.into()).unwrap().with_deadlines(soon())
}

async fn send(smtp: &Smtp, to: &str) -> Result<Receipt, SendError> {
    smtp.send(&message(to)).await
}

#[tokio::test]
async fn a_message_arrives_whole_and_its_receipt_says_so() {
    let server = SmtpServer::start().await;
    let receipt = send(&smtp(&server.url()), "ada@example.org").await.unwrap();
    assert!(receipt.is_delivered);
    assert_eq!(receipt.reply, "250 2.0.0 queued as 1");
    assert_eq!(receipt.captured, None);
    let messages = server.messages();
    assert_eq!(messages[0].from, "news@club.example");
    assert_eq!(messages[0].to, "ada@example.org");
    let mail = messages[0].parsed();
    assert_eq!(mail.subject(), Some("The spring cup"));
    assert_eq!(
        mail.body_text(0).unwrap().trim_end(),
        "Dear Ada\r\n.\r\nof the dot"
    );
    assert_eq!(mail.body_html(0).unwrap().trim_end(), "<p>Dear Ada</p>");
}
