//! One conversation with a mail server (RFC 5321), with lettre's commands and words.
//!
//! Spoken here and not by lettre's client for two things that decide whether a message is sent
//! twice or not at all: a deadline on every step, and knowing whether the last byte of a message
//! had left when the connection broke.

use super::Deadlines;
use super::reply::{Failure, Stage, is_closing};
use crate::messaging::mime::Mail;
use lettre::transport::smtp::commands::{Data, Mail as MailFrom, Quit, Rcpt, Rset};
use lettre::transport::smtp::extension::{Extension, MailBodyParameter, MailParameter, ServerInfo};
use lettre::transport::smtp::response::{Response, Severity};
use std::fmt::Display;
use std::io;
use std::time::Duration;
use tokio::io::{
    AsyncBufReadExt as _, AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _, BufReader,
};
use tokio::time::{Instant, timeout};

/// The longest reply that is read, so that a server cannot fill the memory.
const LONGEST_REPLY: usize = 64 * 1024;
/// Postfix' own limit for a line of a reply.
const LONGEST_LINE: u64 = 2048;

const NO_SMTP: &str = "The mail server said something that is no SMTP";

/// A TCP stream, encrypted or not.
pub trait Stream: AsyncRead + AsyncWrite + Send + Unpin {}
impl<T: AsyncRead + AsyncWrite + Send + Unpin> Stream for T {}

/// A connection on which the server has greeted.
pub struct Connection {
    stream: BufReader<Box<dyn Stream>>,
    deadlines: Deadlines,
    pub info: ServerInfo,
    is_pipelining: bool,
    /// A transaction was begun and not ended: RSET comes first.
    is_open: bool,
    /// How many messages it carried.
    pub carried: usize,
    pub used_at: Instant,
}

impl Connection {
    pub fn new(stream: Box<dyn Stream>, deadlines: Deadlines) -> Self {
        Self {
            stream: BufReader::new(stream),
            deadlines,
            info: ServerInfo::default(),
            is_pipelining: false,
            is_open: false,
            carried: 0,
            used_at: Instant::now(),
        }
    }

    /// The stream below, to be encrypted. What the server sent ahead in the clear would be taken
    /// for its words under encryption later, so there must be nothing.
    pub fn into_stream(self) -> Result<Box<dyn Stream>, Failure> {
        match self.stream.buffer().is_empty() {
            true => Ok(self.stream.into_inner()),
            false => Err(Failure::lost(
                "The mail server sent unencrypted words after STARTTLS",
            )),
        }
    }

    /// Keeps what the server said it can.
    pub fn learn(&mut self, ehlo: &Response) -> Result<(), Failure> {
        self.info = ServerInfo::from_response(ehlo)
            .map_err(|error| Failure::lost(format!("The answer to EHLO cannot be read: {error}")))?;
        self.is_pipelining = ehlo
            .message()
            .any(|line| line.trim().eq_ignore_ascii_case("PIPELINING"));
        Ok(())
    }

    /// Whether the server closed it, or spoke unasked, while it was idle.
    pub fn is_dead(&mut self) -> bool {
        use futures_util::FutureExt as _;
        // Nothing to read yet is what a good connection says.
        self.stream.fill_buf().now_or_never().is_some()
    }

    /// Hands over one message.
    pub async fn send(&mut self, mail: &Mail) -> Result<Response, Failure> {
        self.used_at = Instant::now();
        self.carried += 1;
        if std::mem::replace(&mut self.is_open, true) {
            self.ask(Rset, Stage::Envelope).await?;
        }
        self.envelope(mail).await?;
        let reply = self.content(&mail.data).await?;
        self.is_open = false;
        self.used_at = Instant::now();
        Ok(reply)
    }

    async fn envelope(&mut self, mail: &Mail) -> Result<(), Failure> {
        let parameters = self.parameters(mail)?;
        // With parameters a refusal may be meant for them, which is this message's trouble alone.
        let stage = match parameters.is_empty() {
            true => Stage::Sender,
            false => Stage::Envelope,
        };
        let sender = MailFrom::new(Some(mail.from.clone()), parameters);
        let recipient = Rcpt::new(mail.to.clone(), Vec::new());
        if !self.is_pipelining {
            self.ask(sender, stage).await?;
            self.ask(recipient, Stage::Envelope).await?;
            let reply = self.ask(Data, Stage::Envelope).await?;
            return awaits_content(&reply);
        }
        // One round trip for the three (RFC 2920).
        self.write(format!("{sender}{recipient}{Data}").as_bytes())
            .await
            .map_err(Failure::lost)?;
        let mut refused = None;
        let mut last = Ok(());
        for stage in [stage, Stage::Envelope, Stage::Envelope] {
            let reply = self.read(self.deadlines.reply).await.map_err(Failure::lost)?;
            last = awaits_content(&reply);
            if !reply.is_positive() && refused.is_none() {
                let is_last = is_closing(&reply);
                refused = Some((stage, reply));
                if is_last {
                    break;
                }
            }
        }
        match refused {
            None => last,
            Some((stage, reply)) => {
                if last.is_ok() {
                    // RFC 2920, 3.1: an empty message to nobody ends what DATA began.
                    self.write(b".\r\n").await.map_err(Failure::lost)?;
                    self.read(self.deadlines.reply).await.map_err(Failure::lost)?;
                }
                Err(Failure::refused(stage, reply))
            }
        }
    }

    /// What MAIL says of a message that is not all ASCII: only an address can make it so.
    fn parameters(&self, mail: &Mail) -> Result<Vec<MailParameter>, Failure> {
        if mail.data.is_ascii() {
            return Ok(Vec::new());
        }
        match self.info.supports_feature(Extension::SmtpUtfEight) {
            true => Ok(vec![
                MailParameter::SmtpUtfEight,
                MailParameter::Body(MailBodyParameter::EightBitMime),
            ]),
            false => Err(Failure::refused(
                Stage::Envelope,
                "553 5.6.7 The mail server takes no address with letters outside ASCII before the @\r\n"
                    .parse()
                    .map_err(|_| Failure::lost("The address cannot be sent"))?,
            )),
        }
    }

    /// The message after DATA, and the server's verdict on it.
    async fn content(&mut self, data: &[u8]) -> Result<Response, Failure> {
        let data = dot_stuffed(data);
        let mut written = 0;
        let writing = timeout(self.deadlines.write, async {
            while written < data.len() {
                match self.stream.write(&data[written..]).await? {
                    0 => return Err(io::ErrorKind::WriteZero.into()),
                    count => written += count,
                }
            }
            self.stream.flush().await
        });
        let problem = match writing.await {
            Ok(Ok(())) => None,
            Ok(Err(error)) => Some(lost(&error)),
            Err(_) => Some(too_late("took the message too slowly")),
        };
        if let Some(why) = problem {
            // The final dot is the last byte: without it there is no message to be taken.
            let is_handed_over = written == data.len();
            // A server that has had enough says so and closes; its words may still be there.
            return match self.read(Duration::from_millis(200)).await {
                Ok(reply) if !reply.is_positive() => Err(Failure::refused(Stage::Content, reply)),
                _ => Err(Failure::Lost { why, is_handed_over }),
            };
        }
        let reply = self
            .read(self.deadlines.verdict)
            .await
            .map_err(|why| Failure::Lost {
                why,
                is_handed_over: true,
            })?;
        match reply.code().severity {
            Severity::PositiveCompletion => Ok(reply),
            Severity::PositiveIntermediate => Err(Failure::Lost {
                why: NO_SMTP.to_owned(),
                is_handed_over: true,
            }),
            _ => Err(Failure::refused(Stage::Content, reply)),
        }
    }

    /// A command and its reply; a refusal is a failure.
    pub async fn ask(&mut self, command: impl Display, stage: Stage) -> Result<Response, Failure> {
        self.write(command.to_string().as_bytes())
            .await
            .map_err(Failure::lost)?;
        self.hear(stage).await
    }

    /// A reply; a refusal is a failure.
    pub async fn hear(&mut self, stage: Stage) -> Result<Response, Failure> {
        let reply = self.read(self.deadlines.reply).await.map_err(Failure::lost)?;
        match reply.is_positive() {
            true => Ok(reply),
            false => Err(Failure::refused(stage, reply)),
        }
    }

    /// Takes leave, briefly.
    pub async fn quit(mut self) {
        // The connection is over either way, so what comes of it changes nothing.
        let _ = timeout(Duration::from_secs(2), self.ask(Quit, Stage::Session)).await;
    }

    async fn write(&mut self, bytes: &[u8]) -> Result<(), String> {
        let writing = timeout(self.deadlines.write, async {
            self.stream.write_all(bytes).await?;
            self.stream.flush().await
        });
        match writing.await {
            Ok(written) => written.map_err(|error| lost(&error)),
            Err(_) => Err(too_late("did not read what was sent")),
        }
    }

    /// Reads a whole reply within the deadline, however slowly it trickles.
    async fn read(&mut self, deadline: Duration) -> Result<Response, String> {
        match timeout(deadline, self.read_lines()).await {
            Ok(lines) => lines?.parse().map_err(|_| NO_SMTP.to_owned()),
            Err(_) => Err(too_late("did not answer")),
        }
    }

    async fn read_lines(&mut self) -> Result<String, String> {
        let mut reply = String::new();
        loop {
            let mut line = Vec::new();
            let count = (&mut self.stream)
                .take(LONGEST_LINE)
                .read_until(b'\n', &mut line)
                .await
                .map_err(|error| lost(&error))?;
            if count == 0 || line.last() != Some(&b'\n') || reply.len() > LONGEST_REPLY {
                return Err("The mail server ended the connection".to_owned());
            }
            // Replies are ASCII by the book, and Latin-1 in the wild: no reason to misread a code.
            let line = String::from_utf8_lossy(&line);
            let line = line.trim_end_matches(['\r', '\n']);
            reply.push_str(line);
            if line.len() == 3 {
                reply.push(' ');
            }
            reply.push_str("\r\n");
            if line.as_bytes().get(3) != Some(&b'-') {
                return Ok(reply);
            }
        }
    }
}

/// 354 and nothing else invites the message.
fn awaits_content(reply: &Response) -> Result<(), Failure> {
    match reply.has_code(354) {
        true => Ok(()),
        false => Err(Failure::lost(NO_SMTP)),
    }
}

fn lost(error: &io::Error) -> String {
    format!("The connection to the mail server broke: {error}")
}

fn too_late(what: &str) -> String {
    format!("The mail server {what} in time")
}

/// The message with its dots doubled at the starts of lines, ended by the dot that ends it
/// (RFC 5321, 4.5.2).
fn dot_stuffed(data: &[u8]) -> Vec<u8> {
    let mut stuffed = Vec::with_capacity(data.len() + data.len() / 64 + 8);
    for line in data.split_inclusive(|byte| *byte == b'\n') {
        if line.first() == Some(&b'.') {
            stuffed.push(b'.');
        }
        stuffed.extend_from_slice(line);
    }
    if !stuffed.ends_with(b"\r\n") && !stuffed.is_empty() {
        stuffed.extend_from_slice(b"\r\n");
    }
    stuffed.extend_from_slice(b".\r\n");
    stuffed
}

#[cfg(test)]
mod tests {
    use super::dot_stuffed;

    #[test]
    fn dots_at_line_starts_are_doubled_and_the_end_is_a_dot_alone() {
        for (data, wire) in [
            ("", ".\r\n"),
            ("a", "a\r\n.\r\n"),
            ("a\r\n", "a\r\n.\r\n"),
            (".\r\n", "..\r\n.\r\n"),
            ("a\r\n.b\r\n..\r\nc.", "a\r\n..b\r\n...\r\nc.\r\n.\r\n"),
        ] {
            assert_eq!(dot_stuffed(data.as_bytes()), wire.as_bytes(), "{data:?}");
        }
    }
}
