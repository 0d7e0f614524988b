//! A mail server to send to: takes what it is given, remembers it, and misbehaves as scripted.
//!
//! ```text
//! let server = SmtpServer::start().await;
//! server.script(At::Recipient, Act::reply("550 5.1.1 No such user"));
//! let app = TestApp::spawn_with(|settings| settings.smtp_url = Some(server.url().into())).await;
//! … server.messages()
//! ```
#![allow(dead_code)] // each area uses what it needs

use std::collections::VecDeque;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex};
use std::time::Duration;
use tokio::io::{AsyncBufReadExt as _, AsyncRead, AsyncWrite, AsyncWriteExt as _, BufReader};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;
use tokio_rustls::TlsAcceptor;

/// A message that the server read to its final dot.
#[derive(Clone, Debug)]
pub struct Received {
    pub from: String,
    pub to: String,
    /// Headers and body, dots undone, CRLF line ends.
    pub data: String,
    /// The number of the connection that brought it, from 1.
    pub connection: usize,
    pub is_encrypted: bool,
    /// Whether the server said that it took it.
    pub is_accepted: bool,
    /// The MAIL command, with its parameters.
    pub mail_command: String,
}

impl Received {
    pub fn parsed(&self) -> mail_parser::Message<'_> {
        mail_parser::MessageParser::default()
            .parse(self.data.as_bytes())
            .unwrap()
    }

    /// A header as it stands, unfolded; "" where it is missing.
    pub fn header(&self, name: &str) -> String {
        header(&self.data, name)
    }
}

/// A header of a raw message, unfolded; "" where it is missing.
pub fn header(raw: &str, name: &str) -> String {
    let head = raw.split("\r\n\r\n").next().unwrap_or_default();
    head.replace("\r\n ", " ")
        .replace("\r\n\t", " ")
        .split("\r\n")
        .find_map(|line| {
            let (found, value) = line.split_once(": ")?;
            found.eq_ignore_ascii_case(name).then(|| value.to_owned())
        })
        .unwrap_or_default()
}

/// Where in the conversation the server acts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum At {
    Connect,
    Hello,
    StartTls,
    Auth,
    Sender,
    Recipient,
    Data,
    /// After 354, while the message comes.
    Content,
    /// After the final dot, instead of 250.
    Verdict,
    Reset,
}

/// What it does there instead of the usual.
#[derive(Clone, Debug)]
pub enum Act {
    Reply(String),
    /// Says these bytes, whatever they are.
    Say(Vec<u8>),
    /// Says it and closes.
    ReplyAndHangUp(String),
    HangUp,
    /// Never answers.
    Hang,
    /// Waits, then does the usual.
    Wait(Duration),
}

impl Act {
    pub fn reply(text: &str) -> Self {
        Self::Reply(text.to_owned())
    }
}

struct Rule {
    at: At,
    act: Act,
    /// Only for this recipient; "" for all.
    recipient: String,
    /// How often it applies yet; `None` for always.
    left: Option<usize>,
}

/// What the server offers.
#[derive(Clone, Debug, Default)]
pub struct Offer {
    pub starttls: bool,
    /// Encrypted from the first byte, as on port 465.
    pub implicit_tls: bool,
    /// Asks for this name and password before it takes mail.
    pub sign_in: Option<(String, String)>,
    /// Offers AUTH LOGIN alone.
    pub only_login: bool,
    pub no_pipelining: bool,
    pub smtputf8: bool,
}

#[derive(Default)]
struct State {
    received: Vec<Received>,
    rules: Vec<Rule>,
    connections: usize,
    open: usize,
    most_open: usize,
    commands: VecDeque<String>,
}

/// The server. It stops when dropped.
pub struct SmtpServer {
    address: SocketAddr,
    state: Arc<Mutex<State>>,
    offer: Offer,
    certificate: String,
    closing: watch::Sender<usize>,
    accepting: tokio::task::JoinHandle<()>,
}

impl SmtpServer {
    /// A server in the clear that takes everything.
    pub async fn start() -> Self {
        Self::offering(Offer::default()).await
    }

    pub async fn offering(offer: Offer) -> Self {
        Self::on("127.0.0.1:0".parse().unwrap(), offer).await
    }

    /// On an address that was free before: a server that comes back.
    pub async fn on(address: SocketAddr, offer: Offer) -> Self {
        let listener = TcpListener::bind(address).await.unwrap();
        let address = listener.local_addr().unwrap();
        let state = Arc::new(Mutex::new(State::default()));
        let (closing, _) = watch::channel(0);
        let (tls, certificate) = tls();
        let accepting = tokio::spawn(accept(
            listener,
            state.clone(),
            offer.clone(),
            tls,
            closing.clone(),
        ));
        Self {
            address,
            state,
            offer,
            certificate,
            closing,
            accepting,
        }
    }

    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// `smtp://127.0.0.1:PORT`, for the setting.
    pub fn url(&self) -> String {
        let scheme = if self.offer.implicit_tls { "smtps" } else { "smtp" };
        format!("{scheme}://{}", self.address)
    }

    /// Its own certificate in PEM, which nobody else signed.
    pub fn certificate(&self) -> &str {
        &self.certificate
    }

    /// Everything it read to the end, in order.
    pub fn messages(&self) -> Vec<Received> {
        self.state.lock().unwrap().received.clone()
    }

    /// The addresses of the messages that it took.
    pub fn accepted(&self) -> Vec<String> {
        let state = self.state.lock().unwrap();
        let taken = state.received.iter().filter(|message| message.is_accepted);
        taken.map(|message| message.to.clone()).collect()
    }

    pub fn forget_messages(&self) {
        self.state.lock().unwrap().received.clear();
    }

    /// Does this every time from now on.
    pub fn script(&self, at: At, act: Act) {
        self.rule(at, act, "", None);
    }

    /// Does this the next time only.
    pub fn script_once(&self, at: At, act: Act) {
        self.rule(at, act, "", Some(1));
    }

    /// Does this for one recipient, from `Recipient` on.
    pub fn script_for(&self, recipient: &str, at: At, act: Act) {
        self.rule(at, act, recipient, None);
    }

    fn rule(&self, at: At, act: Act, recipient: &str, left: Option<usize>) {
        self.state.lock().unwrap().rules.push(Rule {
            at,
            act,
            recipient: recipient.to_owned(),
            left,
        });
    }

    /// Takes everything again.
    pub fn behave(&self) {
        self.state.lock().unwrap().rules.clear();
    }

    /// How many connections it accepted since its start.
    pub fn connections(&self) -> usize {
        self.state.lock().unwrap().connections
    }

    /// How many are open now.
    pub fn open(&self) -> usize {
        self.state.lock().unwrap().open
    }

    /// How many were open at once at most.
    pub fn most_open(&self) -> usize {
        self.state.lock().unwrap().most_open
    }

    /// Every command line it was given, in order.
    pub fn commands(&self) -> Vec<String> {
        self.state.lock().unwrap().commands.iter().cloned().collect()
    }

    /// Closes every connection, as a server does that was restarted or saw no use of them.
    pub async fn close_connections(&self) {
        self.closing.send_modify(|times| *times += 1);
        while self.open() > 0 {
            tokio::time::sleep(Duration::from_millis(2)).await;
        }
    }
}

impl Drop for SmtpServer {
    fn drop(&mut self) {
        self.accepting.abort();
        self.closing.send_modify(|times| *times += 1);
    }
}

fn tls() -> (TlsAcceptor, String) {
    use rustls::pki_types::{PrivateKeyDer, PrivatePkcs8KeyDer};
    let names = vec!["localhost".to_owned(), "127.0.0.1".to_owned()];
    let made = rcgen::generate_simple_self_signed(names).unwrap();
    let key = PrivateKeyDer::Pkcs8(PrivatePkcs8KeyDer::from(made.signing_key.serialize_der()));
    let config =
        rustls::ServerConfig::builder_with_provider(Arc::new(rustls::crypto::ring::default_provider()))
            .with_safe_default_protocol_versions()
            .unwrap()
            .with_no_client_auth()
            .with_single_cert(vec![made.cert.der().clone()], key)
            .unwrap();
    (Arc::new(config).into(), made.cert.pem())
}

async fn accept(
    listener: TcpListener,
    state: Arc<Mutex<State>>,
    offer: Offer,
    tls: TlsAcceptor,
    closing: watch::Sender<usize>,
) {
    while let Ok((stream, _)) = listener.accept().await {
        stream.set_nodelay(true).unwrap();
        let number = {
            let mut state = state.lock().unwrap();
            state.connections += 1;
            state.open += 1;
            state.most_open = state.most_open.max(state.open);
            state.connections
        };
        let talk = Talk {
            state: state.clone(),
            offer: offer.clone(),
            tls: tls.clone(),
            number,
            from: String::new(),
            to: String::new(),
            is_encrypted: false,
            is_signed_in: offer.sign_in.is_none(),
        };
        let mut close = closing.subscribe();
        let state = state.clone();
        tokio::spawn(async move {
            tokio::select! {
                // A conversation that ends early has nobody left to tell.
                _ = talk.begin(stream) => {}
                _ = close.changed() => {}
            }
            state.lock().unwrap().open -= 1;
        });
    }
}

trait Wire: AsyncRead + AsyncWrite + Send + Unpin {}
impl<T: AsyncRead + AsyncWrite + Send + Unpin> Wire for T {}
type Line = BufReader<Box<dyn Wire>>;

/// One connection.
struct Talk {
    state: Arc<Mutex<State>>,
    offer: Offer,
    tls: TlsAcceptor,
    number: usize,
    from: String,
    to: String,
    is_encrypted: bool,
    is_signed_in: bool,
}

/// What remains of a scripted act: go on, or the conversation is over.
enum Next {
    Usual,
    Said,
    Over,
}

impl Talk {
    async fn begin(mut self, stream: TcpStream) -> std::io::Result<()> {
        let stream: Box<dyn Wire> = match self.offer.implicit_tls {
            true => {
                self.is_encrypted = true;
                Box::new(self.tls.accept(stream).await?)
            }
            false => Box::new(stream),
        };
        let mut line: Line = BufReader::new(stream);
        match self.act(At::Connect, &mut line).await? {
            Next::Usual => say(&mut line, "220 stand-in ESMTP").await?,
            Next::Said => {}
            Next::Over => return Ok(()),
        }
        loop {
            let mut command = String::new();
            if line.read_line(&mut command).await? == 0 {
                return Ok(());
            }
            let command = command.trim_end().to_owned();
            {
                let mut state = self.state.lock().unwrap();
                state.commands.push_back(command.clone());
            }
            let verb = command
                .split([' ', ':'])
                .next()
                .unwrap_or_default()
                .to_ascii_uppercase();
            let at = match verb.as_str() {
                "EHLO" | "HELO" => At::Hello,
                "STARTTLS" => At::StartTls,
                "AUTH" => At::Auth,
                "MAIL" => At::Sender,
                "RCPT" => At::Recipient,
                "DATA" => At::Data,
                "RSET" => At::Reset,
                "QUIT" => {
                    say(&mut line, "221 bye").await?;
                    return Ok(());
                }
                _ => {
                    say(&mut line, "250 ok").await?;
                    continue;
                }
            };
            if at == At::Recipient {
                self.to = inside(&command);
            }
            match self.act(at, &mut line).await? {
                Next::Usual => {}
                Next::Said => {
                    if at == At::Recipient {
                        self.to.clear();
                    }
                    continue;
                }
                Next::Over => return Ok(()),
            }
            match at {
                At::StartTls if self.offer.starttls => {
                    say(&mut line, "220 go ahead").await?;
                    let stream: Box<dyn Wire> = Box::new(self.tls.accept(line.into_inner()).await?);
                    line = BufReader::new(stream);
                    self.is_encrypted = true;
                }
                At::Data => {
                    if !self.data(&mut line).await? {
                        return Ok(());
                    }
                }
                At::Auth => self.sign_in(&command, &mut line).await?,
                _ => {
                    let reply = self.usual(at, &command);
                    say(&mut line, &reply).await?;
                }
            }
        }
    }

    fn usual(&mut self, at: At, command: &str) -> String {
        match at {
            At::Hello => {
                let mut lines = vec!["stand-in", "8BITMIME"];
                if !self.offer.no_pipelining {
                    lines.push("PIPELINING");
                }
                if self.offer.smtputf8 {
                    lines.push("SMTPUTF8");
                }
                if self.offer.starttls && !self.is_encrypted {
                    lines.push("STARTTLS");
                }
                if self.offer.sign_in.is_some() {
                    lines.push(match self.offer.only_login {
                        true => "AUTH LOGIN",
                        false => "AUTH PLAIN LOGIN",
                    });
                }
                let last = lines.pop().unwrap();
                let mut reply: String = lines.iter().map(|line| format!("250-{line}\r\n")).collect();
                reply.push_str("250 ");
                reply.push_str(last);
                reply
            }
            At::Sender if !self.is_signed_in => "530 5.7.0 Authentication required".into(),
            At::Sender if !self.from.is_empty() => "503 5.5.1 Nested MAIL command".into(),
            At::Sender => {
                self.from = command.to_owned();
                "250 2.1.0 ok".into()
            }
            At::Recipient if self.from.is_empty() => {
                self.to.clear();
                "503 5.5.1 MAIL first".into()
            }
            At::Recipient => "250 2.1.5 ok".into(),
            At::Reset => {
                self.from.clear();
                self.to.clear();
                "250 2.0.0 ok".into()
            }
            _ => "502 5.5.1 not offered".into(),
        }
    }

    /// Reads a message; `false` when the conversation is over.
    async fn data(&mut self, line: &mut Line) -> std::io::Result<bool> {
        if self.to.is_empty() {
            say(line, "554 5.5.1 No valid recipients").await?;
            return Ok(true);
        }
        say(line, "354 go ahead").await?;
        match self.act(At::Content, line).await? {
            Next::Usual => {}
            // It has spoken before the end, as a server that has had enough.
            Next::Said | Next::Over => return Ok(false),
        }
        let mut data = Vec::new();
        loop {
            let mut bytes = Vec::new();
            if line.read_until(b'\n', &mut bytes).await? == 0 {
                return Ok(false);
            }
            if bytes == b".\r\n" {
                break;
            }
            data.extend_from_slice(bytes.strip_prefix(b".").unwrap_or(&bytes));
        }
        let mail_command = std::mem::take(&mut self.from);
        let received = Received {
            from: inside(&mail_command),
            to: self.to.clone(),
            data: String::from_utf8(data).unwrap(),
            connection: self.number,
            is_encrypted: self.is_encrypted,
            is_accepted: false,
            mail_command,
        };
        let index = {
            let mut state = self.state.lock().unwrap();
            state.received.push(received);
            state.received.len() - 1
        };
        let next = self.act(At::Verdict, line).await?;
        self.to.clear();
        match next {
            Next::Usual => {
                if let Some(message) = self.state.lock().unwrap().received.get_mut(index) {
                    message.is_accepted = true;
                }
                say(line, &format!("250 2.0.0 queued as {}", index + 1)).await?;
                Ok(true)
            }
            Next::Said => Ok(true),
            Next::Over => Ok(false),
        }
    }

    async fn sign_in(&mut self, command: &str, line: &mut Line) -> std::io::Result<()> {
        use base64::Engine as _;
        let decoded = |text: &str| {
            let bytes = base64::engine::general_purpose::STANDARD.decode(text).unwrap();
            String::from_utf8(bytes).unwrap()
        };
        let words: Vec<&str> = command.split(' ').collect();
        let given = match words.as_slice() {
            [_, "PLAIN", response] => {
                let text = decoded(response);
                let mut parts = text.split('\0').skip(1).map(str::to_owned);
                (parts.next().unwrap(), parts.next().unwrap())
            }
            _ => {
                let mut answers = Vec::new();
                for question in ["VXNlcm5hbWU6", "UGFzc3dvcmQ6"] {
                    say(line, &format!("334 {question}")).await?;
                    let mut answer = String::new();
                    line.read_line(&mut answer).await?;
                    answers.push(decoded(answer.trim_end()));
                }
                (answers[0].clone(), answers[1].clone())
            }
        };
        self.is_signed_in = Some(given) == self.offer.sign_in;
        let reply = match self.is_signed_in {
            true => "235 2.7.0 welcome",
            false => "535 5.7.8 Error: authentication failed",
        };
        say(line, reply).await
    }

    /// Does what is scripted for this place, if anything is.
    async fn act(&self, at: At, line: &mut Line) -> std::io::Result<Next> {
        let act = {
            let mut state = self.state.lock().unwrap();
            let position = state.rules.iter().position(|rule| {
                rule.at == at
                    && rule.left != Some(0)
                    && (rule.recipient.is_empty() || rule.recipient == self.to)
            });
            position.map(|position| {
                let rule = &mut state.rules[position];
                rule.left = rule.left.map(|left| left - 1);
                rule.act.clone()
            })
        };
        match act {
            None => Ok(Next::Usual),
            Some(Act::Reply(text)) => say(line, &text).await.map(|()| Next::Said),
            Some(Act::Say(bytes)) => {
                line.write_all(&bytes).await?;
                line.flush().await?;
                Ok(Next::Said)
            }
            Some(Act::ReplyAndHangUp(text)) => {
                say(line, &text).await?;
                line.shutdown().await?;
                Ok(Next::Over)
            }
            Some(Act::HangUp) => Ok(Next::Over),
            Some(Act::Hang) => std::future::pending().await,
            Some(Act::Wait(time)) => {
                tokio::time::sleep(time).await;
                Ok(Next::Usual)
            }
        }
    }
}

async fn say(line: &mut Line, text: &str) -> std::io::Result<()> {
    line.write_all(format!("{text}\r\n").as_bytes()).await?;
    line.flush().await
}

/// What stands between the angle brackets.
fn inside(command: &str) -> String {
    let text = command.split_once('<').and_then(|(_, rest)| rest.split_once('>'));
    text.map_or_else(String::new, |(address, _)| address.to_owned())
}
