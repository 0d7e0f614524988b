//! What the stories run against: the real binary, a real mail server, and the page that a mail links to.

use super::driver::free_port;
use std::path::PathBuf;
use std::process::Stdio;
use std::time::Duration;
use tokio::io::{AsyncBufReadExt as _, AsyncReadExt as _, AsyncWriteExt as _, BufReader, Lines};
use tokio::net::TcpListener;
use tokio::process::{Child, ChildStdout, Command};

/// The binary as an operator starts it, over an empty data directory of its own.
pub struct Fairway {
    /// `http://127.0.0.1:PORT`
    pub address: String,
    pub printed: Lines<BufReader<ChildStdout>>,
    _child: Child,
    _dir: tempfile::TempDir,
}

impl Fairway {
    /// Starts `fairway COMMAND` with these settings besides its address.
    pub fn start(command: &str, settings: &[(&str, &str)]) -> Self {
        let dir = tempfile::tempdir().unwrap();
        let address = format!("127.0.0.1:{}", free_port());
        let mut child = Command::new(env!("CARGO_BIN_EXE_fairway"))
            .arg(command)
            .current_dir(dir.path())
            .env("FAIRWAY_LISTEN", &address)
            .env("FAIRWAY_LOG", "error")
            .envs(settings.iter().copied())
            // No settings of the product, and so refused by it.
            .env_remove("FAIRWAY_TEST_AXE")
            .env_remove("FAIRWAY_TEST_POSTGRES")
            .stdout(Stdio::piped())
            .kill_on_drop(true)
            .spawn()
            .unwrap();
        Self {
            address: format!("http://{address}"),
            printed: BufReader::new(child.stdout.take().unwrap()).lines(),
            _child: child,
            _dir: dir,
        }
    }

    /// The next line that it prints.
    pub async fn line(&mut self) -> String {
        let line = tokio::time::timeout(Duration::from_secs(120), self.printed.next_line());
        let line = line.await.expect("it prints how to begin").unwrap();
        line.expect("it goes on printing")
    }
}

/// A message as it arrived.
pub struct Mail {
    pub to: String,
    pub from: String,
    pub subject: String,
    pub html: String,
    pub text: String,
    pub raw: String,
}

/// Debian's aiosmtpd, which takes one message every so often on each connection.
pub struct MailServer {
    pub port: u16,
    folder: tempfile::TempDir,
    _child: Child,
}

impl MailServer {
    pub async fn start(seconds_each: &str) -> Self {
        let folder = tempfile::tempdir().unwrap();
        // Debian's Python, for which bin/test installs the package; not another that comes first in the path.
        let mut child = Command::new("/usr/bin/python3")
            .arg(concat!(
                env!("CARGO_MANIFEST_DIR"),
                "/tests/app/browser/mail_server.py"
            ))
            .arg(folder.path())
            .arg(seconds_each)
            .stdout(Stdio::piped())
            .kill_on_drop(true)
            .spawn()
            .expect("python3 is installed by bin/test");
        let mut printed = BufReader::new(child.stdout.take().unwrap()).lines();
        let port = printed.next_line().await.unwrap();
        Self {
            port: port.expect("aiosmtpd is installed by bin/test").parse().unwrap(),
            folder,
            _child: child,
        }
    }

    fn files(&self) -> Vec<PathBuf> {
        let entries = std::fs::read_dir(self.folder.path()).unwrap();
        let mut files: Vec<_> = entries
            .map(|entry| entry.unwrap().path())
            .filter(|path| path.extension().is_some_and(|end| end == "eml"))
            .collect();
        files.sort();
        files
    }

    /// How many messages it has taken.
    pub fn count(&self) -> usize {
        self.files().len()
    }

    /// All that it has taken, in order.
    pub fn mails(&self) -> Vec<Mail> {
        let files = self.files();
        files
            .iter()
            .map(|file| read(&std::fs::read(file).unwrap()))
            .collect()
    }
}

fn read(raw: &[u8]) -> Mail {
    let message = mail_parser::MessageParser::default().parse(raw).unwrap();
    let address = |of: Option<&mail_parser::Address>| {
        let first = of.and_then(|list| list.first()).and_then(|one| one.address());
        first.unwrap_or_default().to_owned()
    };
    Mail {
        to: address(message.to()),
        from: address(message.from()),
        subject: message.subject().unwrap_or_default().to_owned(),
        html: message.body_html(0).unwrap_or_default().into_owned(),
        text: message.body_text(0).unwrap_or_default().into_owned(),
        raw: String::from_utf8_lossy(raw).into_owned(),
    }
}

/// What every visitor of the club's website reads.
pub const WEBSITE: &str = "Entries for the stableford";

/// The club's website, of one page. Answers its address; it lasts as long as the test.
pub async fn start_website() -> String {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(async move {
        while let Ok((mut visitor, _)) = listener.accept().await {
            tokio::spawn(async move {
                let page = format!("<!doctype html><title>Club</title><h1>{WEBSITE}</h1>");
                let answer = format!(
                    "HTTP/1.1 200 OK\r\nContent-Type: text/html\r\nContent-Length: {}\r\nConnection: close\r\n\r\n{page}",
                    page.len()
                );
                // A browser opens connections that it does not use.
                if visitor.read(&mut [0; 4096]).await.is_ok_and(|length| length > 0) {
                    visitor.write_all(answer.as_bytes()).await.unwrap();
                }
            });
        }
    });
    format!("http://{address}")
}
