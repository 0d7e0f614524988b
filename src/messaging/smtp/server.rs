//! The mail server as `FAIRWAY_SMTP_URL` names it.
//!
//! `smtp://[user:password@]host[:port]` or `smtps://…`, with the parameters `tls=required`,
//! `tls=none`, `connections=N`, `hello=NAME`, `ca=FILE`. Messages about it never repeat it: it may
//! hold a password.

use anyhow::{Context as _, Result, bail};
use lettre::transport::smtp::authentication::Credentials;
use lettre::transport::smtp::extension::ClientId;
use secrecy::{ExposeSecret as _, SecretString};
use std::net::IpAddr;
use std::path::PathBuf;
use url::Url;

/// How many messages go out at once unless the URL says otherwise.
const CONNECTIONS: usize = 10;
/// More would be taken for an attack by most servers.
const MOST_CONNECTIONS: usize = 100;

/// When the connection is encrypted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Encryption {
    /// Never: `smtp://…?tls=none`.
    Never,
    /// Where the server offers STARTTLS, and then with any certificate: it keeps readers out who
    /// only listen, as mail servers do among themselves. The default of `smtp://` without a
    /// password, and with one on this machine.
    Offered,
    /// By STARTTLS with a certificate that is verified, or not at all: `?tls=required`, and the
    /// default where a password crosses a network.
    Required,
    /// From the first byte, verified: `smtps://`.
    Immediate,
}

/// Where mail is handed over, and how.
#[derive(Clone)]
pub struct Server {
    pub host: String,
    pub port: u16,
    pub encryption: Encryption,
    pub credentials: Option<Credentials>,
    /// At most this many connections at once.
    pub connections: usize,
    /// Our name in EHLO.
    pub hello: ClientId,
    /// A PEM file of authorities trusted besides the usual ones.
    pub authorities: Option<PathBuf>,
}

impl Server {
    /// Reads the URL. Errors are sentences for the operator.
    pub fn parse(url: &SecretString) -> Result<Self> {
        let url = Url::parse(url.expose_secret())
            .ok()
            .context("FAIRWAY_SMTP_URL is no address; write it as smtp://host:port")?;
        let host = url
            .host_str()
            .unwrap_or_default()
            .trim_start_matches('[')
            .trim_end_matches(']')
            .to_owned();
        if host.is_empty() {
            bail!("FAIRWAY_SMTP_URL names no host; write it as smtp://host:port");
        }
        if !matches!(url.path(), "" | "/") || url.fragment().is_some() {
            bail!("FAIRWAY_SMTP_URL has more than a host and a port; write it as smtp://host:port");
        }
        let credentials = credentials(&url)?;
        let parameters = Parameters::parse(&url)?;
        let encryption = match (url.scheme(), parameters.tls.as_deref()) {
            ("smtps", None | Some("required")) => Encryption::Immediate,
            ("smtps", Some(_)) => {
                bail!("FAIRWAY_SMTP_URL begins with smtps:, which is always encrypted; leave tls= out")
            }
            ("smtp", Some("none")) => Encryption::Never,
            ("smtp", Some("required")) => Encryption::Required,
            ("smtp", None) if credentials.is_some() && !is_this_machine(&host) => Encryption::Required,
            ("smtp", None) => Encryption::Offered,
            ("smtp", Some(_)) => bail!("In FAIRWAY_SMTP_URL, tls= is either required or none"),
            _ => bail!("FAIRWAY_SMTP_URL begins with neither smtp: nor smtps:"),
        };
        let port = url.port().unwrap_or(match (encryption, &credentials) {
            (Encryption::Immediate, _) => 465,
            (_, Some(_)) => 587,
            (_, None) => 25,
        });
        Ok(Self {
            host,
            port,
            encryption,
            credentials,
            connections: parameters.connections.unwrap_or(CONNECTIONS),
            hello: parameters.hello.map_or_else(ClientId::default, ClientId::Domain),
            authorities: parameters.authorities,
        })
    }

    /// Whether the certificate must prove that the server is who it says.
    pub fn is_verified(&self) -> bool {
        matches!(self.encryption, Encryption::Required | Encryption::Immediate)
    }
}

#[derive(Default)]
struct Parameters {
    tls: Option<String>,
    connections: Option<usize>,
    hello: Option<String>,
    authorities: Option<PathBuf>,
}

impl Parameters {
    fn parse(url: &Url) -> Result<Self> {
        let mut parameters = Self::default();
        for (name, value) in url.query_pairs() {
            match &*name {
                "tls" => parameters.tls = Some(value.into_owned()),
                "connections" => {
                    let number = value.parse().ok().filter(|n| (1..=MOST_CONNECTIONS).contains(n));
                    parameters.connections = Some(number.with_context(|| {
                        format!("In FAIRWAY_SMTP_URL, connections= is a number from 1 to {MOST_CONNECTIONS}")
                    })?);
                }
                "hello" => {
                    let is_name = !value.is_empty()
                        && value.len() <= 255
                        && value
                            .bytes()
                            .all(|b| b.is_ascii_alphanumeric() || matches!(b, b'.' | b'-'));
                    if !is_name {
                        bail!("In FAIRWAY_SMTP_URL, hello= is a host name such as mail.club.example");
                    }
                    parameters.hello = Some(value.into_owned());
                }
                "ca" => parameters.authorities = Some(value.into_owned().into()),
                _ => bail!(
                    "FAIRWAY_SMTP_URL has the parameter “{name}”; known are tls, connections, hello and ca"
                ),
            }
        }
        Ok(parameters)
    }
}

/// The name and password before the `@`, percent-decoded.
fn credentials(url: &Url) -> Result<Option<Credentials>> {
    let decoded = |text: &str| {
        percent_encoding::percent_decode_str(text)
            .decode_utf8()
            .map(std::borrow::Cow::into_owned)
            .context("The name or password in FAIRWAY_SMTP_URL is not percent-encoded UTF-8")
    };
    match (url.username(), url.password()) {
        ("", None) => Ok(None),
        ("", Some(_)) | (_, None) => {
            bail!("FAIRWAY_SMTP_URL has a name without a password or the other way round")
        }
        (name, Some(password)) => Ok(Some(Credentials::new(decoded(name)?, decoded(password)?))),
    }
}

fn is_this_machine(host: &str) -> bool {
    host.eq_ignore_ascii_case("localhost") || host.parse::<IpAddr>().is_ok_and(|ip| ip.is_loopback())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(url: &str) -> Result<Server> {
        Server::parse(&url.into())
    }

    #[test]
    fn the_url_says_host_port_and_encryption() {
        use Encryption::{Immediate, Never, Offered, Required};
        for (url, host, port, encryption) in [
            ("smtp://relay.example", "relay.example", 25, Offered),
            ("smtp://relay.example:2525", "relay.example", 2525, Offered),
            ("smtp://relay.example?tls=none", "relay.example", 25, Never),
            ("smtp://relay.example?tls=required", "relay.example", 25, Required),
            ("smtp://u:p@relay.example", "relay.example", 587, Required),
            ("smtp://u:p@relay.example?tls=none", "relay.example", 587, Never),
            ("smtp://u:p@localhost:1025", "localhost", 1025, Offered),
            ("smtp://u:p@[::1]:1025", "::1", 1025, Offered),
            ("smtps://u:p@relay.example/", "relay.example", 465, Immediate),
        ] {
            let server = parse(url).unwrap();
            assert_eq!(
                (server.host.as_str(), server.port, server.encryption),
                (host, port, encryption),
                "{url}"
            );
        }
    }

    #[test]
    fn name_and_password_are_percent_decoded() {
        let server = parse("smtp://news%40club.example:p%40ss%3Aw%20rd@relay.example").unwrap();
        let expected = Credentials::new("news@club.example".into(), "p@ss:w rd".into());
        assert!(server.credentials == Some(expected));
    }

    #[test]
    fn parameters_are_read() {
        let server =
            parse("smtp://relay.example?connections=3&hello=mail.club.example&ca=/etc/ca.pem").unwrap();
        assert_eq!(server.connections, 3);
        assert_eq!(server.hello, ClientId::Domain("mail.club.example".into()));
        assert_eq!(server.authorities, Some("/etc/ca.pem".into()));
        assert_eq!(parse("smtp://relay.example").unwrap().connections, 10);
    }

    #[test]
    fn a_wrong_url_is_refused_without_repeating_its_password() {
        for url in [
            "relay.example:25",
            "http://user:hunter2@relay.example",
            "smtp://",
            "smtp://user:hunter2@relay.example/path",
            "smtp://user:hunter2@relay.example?tls=maybe",
            "smtps://user:hunter2@relay.example?tls=none",
            "smtp://user:hunter2@relay.example?connections=0",
            "smtp://user:hunter2@relay.example?connections=1000",
            "smtp://user:hunter2@relay.example?hello=a%20b",
            "smtp://user:hunter2@relay.example?colour=red",
            "smtp://user@relay.example",
            "smtp://user:%ff@relay.example",
        ] {
            let Err(error) = parse(url) else {
                panic!("{url} was taken")
            };
            assert!(!format!("{error:#}").contains("hunter2"), "{error:#}");
        }
    }
}
