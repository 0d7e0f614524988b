//! Calls to other systems at addresses that staff wrote: to public addresses only, whatever a name
//! resolves to, within limits of time and size. Redirects are followed by `fetch` alone, which looks
//! at each address on the way. Knows no feature.

use anyhow::{Context as _, Result};
use reqwest::dns::{Addrs, Name, Resolve, Resolving};
use reqwest::header::{CONTENT_TYPE, HeaderMap, HeaderName, HeaderValue, LOCATION, RETRY_AFTER};
use reqwest::redirect::Policy;
use reqwest::{Method, RequestBuilder, StatusCode};
use rustls::crypto::ring;
use rustls::{ClientConfig, RootCertStore};
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;
use url::{Host, Url};

/// From the first look-up to the last byte, unless a request sets a time of its own.
const LONGEST: Duration = Duration::from_secs(10);
/// What is read of an answer that is only looked at, in bytes.
const LOOKED_AT: usize = 4 * 1024;
/// Redirects that `fetch` follows.
const MOST_REDIRECTS: usize = 5;

/// Makes the calls. Cheap to clone.
#[derive(Clone, Debug)]
pub struct Outbound {
    http: reqwest::Client,
    /// Whether addresses within the house are called as well.
    takes_private: bool,
}

/// A whole answer.
#[derive(Clone, Debug)]
pub struct Reply {
    pub status: u16,
    pub headers: HeaderMap,
    pub body: Vec<u8>,
    /// Where it came from, after redirects.
    pub url: Url,
}

/// Why there is no answer. A sentence, without the address: it may hold a password.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum CallError {
    /// It was not called at all.
    #[error("{0}")]
    Refused(String),
    /// Nothing was sent: no connection.
    #[error("{0}")]
    Unreached(String),
    /// Something was sent, and no whole answer came.
    #[error("{0}")]
    Broken(String),
    /// In bytes.
    #[error("The answer is larger than {0} bytes.")]
    TooLarge(usize),
}

/// What a call came to whose answer is only looked at.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Answer {
    /// The status, and the beginning of the body.
    Status(u16, String),
    /// Nobody answered in time, or not as HTTP does: a sentence.
    None(String),
    /// It was not called at all: a sentence.
    Refused(String),
}

impl Reply {
    pub const fn is_success(&self) -> bool {
        self.status >= 200 && self.status < 300
    }

    pub fn text(&self) -> String {
        String::from_utf8_lossy(&self.body).into_owned()
    }

    /// The body as JSON; null where it is none.
    pub fn json(&self) -> serde_json::Value {
        serde_json::from_slice(&self.body).unwrap_or_default()
    }

    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name)?.to_str().ok()
    }

    /// `Retry-After` in seconds (RFC 9110 §10.2.3); a date there is not read.
    pub fn retry_after(&self) -> Option<Duration> {
        let seconds = self.header(RETRY_AFTER.as_str())?.trim().parse().ok()?;
        Some(Duration::from_secs(seconds))
    }
}

impl Outbound {
    /// With `takes_private` also to addresses of the own network.
    pub fn new(takes_private: bool) -> Result<Self> {
        let roots = RootCertStore {
            roots: webpki_roots::TLS_SERVER_ROOTS.to_vec(),
        };
        let tls = ClientConfig::builder_with_provider(Arc::new(ring::default_provider()))
            .with_safe_default_protocol_versions()
            .context("TLS cannot be set up")?
            .with_root_certificates(roots)
            .with_no_client_auth();
        let http = reqwest::Client::builder()
            .tls_backend_preconfigured(tls)
            .redirect(Policy::none())
            .no_proxy()
            .referer(false)
            .timeout(LONGEST)
            .connect_timeout(Duration::from_secs(5))
            .pool_max_idle_per_host(8)
            .user_agent(concat!("Fairway/", env!("CARGO_PKG_VERSION")))
            .dns_resolver(Arc::new(Public { takes_private }))
            .build()
            .context("The client for calls to other systems cannot be made")?;
        Ok(Self { http, takes_private })
    }

    /// A request to be completed and given to `send`.
    ///
    /// # Errors
    /// `Refused` where the address may not be called.
    pub fn request(&self, method: Method, url: &str) -> Result<RequestBuilder, CallError> {
        let url = self.check(url).map_err(CallError::Refused)?;
        Ok(self.http.request(method, url))
    }

    /// Sends a request that `request` began, and reads an answer of at most `most` bytes.
    ///
    /// # Errors
    /// `Unreached` where nothing was sent, `Broken` or `TooLarge` where it was.
    pub async fn send(&self, request: RequestBuilder, most: usize) -> Result<Reply, CallError> {
        let mut response = request.send().await.map_err(|error| failure(&error))?;
        let (status, headers) = (response.status().as_u16(), response.headers().clone());
        let url = response.url().clone();
        let mut body = Vec::new();
        while let Some(chunk) = response.chunk().await.map_err(|error| failure(&error))? {
            if body.len() + chunk.len() > most {
                return Err(CallError::TooLarge(most));
            }
            body.extend_from_slice(&chunk);
        }
        Ok(Reply {
            status,
            headers,
            body,
            url,
        })
    }

    /// Fetches what is at an address, through redirects, each of which is looked at first.
    ///
    /// # Errors
    /// Where an address on the way may not be called, does not answer, or answers more than `most`
    /// bytes.
    pub async fn fetch(
        &self,
        url: &str,
        headers: &[(HeaderName, HeaderValue)],
        most: usize,
    ) -> Result<Reply, CallError> {
        let mut url = url.to_owned();
        for _ in 0..=MOST_REDIRECTS {
            let mut request = self.request(Method::GET, &url)?;
            for (name, value) in headers {
                request = request.header(name, value);
            }
            let reply = self.send(request, most).await?;
            let is_redirect = StatusCode::from_u16(reply.status).is_ok_and(|status| status.is_redirection());
            let location = reply.header(LOCATION.as_str()).filter(|_| is_redirect);
            match location {
                Some(location) => {
                    let next = reply.url.join(location).map_err(|_| {
                        CallError::Refused("It redirects to something that is no address.".into())
                    })?;
                    url = next.into();
                }
                None => return Ok(reply),
            }
        }
        Err(CallError::Refused(format!(
            "It redirects more than {MOST_REDIRECTS} times."
        )))
    }

    /// Posts JSON.
    pub async fn post(&self, url: &str, headers: &[(&'static str, String)], body: String) -> Answer {
        let mut request = match self.request(Method::POST, url) {
            Ok(request) => request.header(CONTENT_TYPE, "application/json").body(body),
            Err(error) => return Answer::Refused(error.to_string()),
        };
        for (name, value) in headers {
            request = request.header(*name, value);
        }
        match request.send().await {
            Ok(answer) => {
                let status = answer.status().as_u16();
                Answer::Status(status, beginning(answer).await)
            }
            Err(error) => Answer::None(in_words(&error)),
        }
    }

    /// Whether an address may be called at all. Names are checked when they are looked up.
    fn check(&self, url: &str) -> Result<Url, String> {
        let url = Url::parse(url).map_err(|_| "This is no address.".to_owned())?;
        if !matches!(url.scheme(), "http" | "https") {
            return Err("Only http and https are called.".into());
        }
        let ip = match url.host() {
            Some(Host::Ipv4(ip)) => Some(IpAddr::V4(ip)),
            Some(Host::Ipv6(ip)) => Some(IpAddr::V6(ip)),
            Some(Host::Domain(_)) => None,
            None => return Err("The address names no host.".into()),
        };
        match ip {
            Some(ip) if !self.takes_private && !is_public(ip) => Err(NOT_PUBLIC.into()),
            _ => Ok(url),
        }
    }
}

const NOT_PUBLIC: &str = "The address is not a public one, so it is not called.";

async fn beginning(mut answer: reqwest::Response) -> String {
    let mut body = Vec::new();
    // An answer that breaks off is as good as its beginning.
    while let Ok(Some(chunk)) = answer.chunk().await {
        body.extend_from_slice(&chunk);
        if body.len() >= LOOKED_AT {
            body.truncate(LOOKED_AT);
            break;
        }
    }
    String::from_utf8_lossy(&body).into_owned()
}

fn failure(error: &reqwest::Error) -> CallError {
    let sentence = in_words(error);
    match error {
        error if error.is_builder() => CallError::Refused(sentence),
        error if error.is_connect() => CallError::Unreached(sentence),
        _ => CallError::Broken(sentence),
    }
}

fn in_words(error: &reqwest::Error) -> String {
    let mut text = String::new();
    let mut cause: Option<&dyn std::error::Error> = Some(error);
    while let Some(error) = cause {
        if error.source().is_none() {
            text = error.to_string();
        }
        cause = error.source();
    }
    match error.is_timeout() {
        true => "Nobody answered in time.".into(),
        false => text,
    }
}

/// Looks names up, and keeps what is public, so that a name cannot lead into the house.
struct Public {
    takes_private: bool,
}

impl Resolve for Public {
    fn resolve(&self, name: Name) -> Resolving {
        let takes_private = self.takes_private;
        Box::pin(async move {
            let found = tokio::net::lookup_host((name.as_str(), 0)).await?;
            let kept: Vec<SocketAddr> = found
                .filter(|address| takes_private || is_public(address.ip()))
                .collect();
            match kept.is_empty() {
                true => Err(NOT_PUBLIC.into()),
                false => Ok(Box::new(kept.into_iter()) as Addrs),
            }
        })
    }
}

/// Whether an address is one that the whole Internet knows (IANA's special-purpose registries).
pub fn is_public(ip: IpAddr) -> bool {
    match ip {
        IpAddr::V4(ip) => is_public_v4(ip),
        IpAddr::V6(ip) => is_public_v6(ip),
    }
}

fn is_public_v4(ip: Ipv4Addr) -> bool {
    let [a, b, c, _] = ip.octets();
    !(a == 0
        || ip.is_loopback()
        || ip.is_private()
        || ip.is_link_local()
        || ip.is_multicast()
        || ip.is_broadcast()
        || ip.is_documentation()
        || (a == 100 && (64..128).contains(&b))
        || (a == 192 && b == 0 && c == 0)
        || (a == 192 && b == 88 && c == 99)
        || (a == 198 && (18..20).contains(&b))
        || a >= 240)
}

fn is_public_v6(ip: Ipv6Addr) -> bool {
    if let Some(inner) = ip.to_ipv4_mapped() {
        return is_public_v4(inner);
    }
    let parts = ip.segments();
    let [first, second, ..] = parts;
    match (first, second) {
        // 64:ff9b::/96 and 2002::/16 carry an address of version 4.
        (0x64, 0xff9b) => is_public_v4(carried(parts[6], parts[7])),
        (0x2002, _) => is_public_v4(carried(parts[1], parts[2])),
        // 2001::/23 and the documentation's 2001:db8::/32.
        (0x2001, 0..0x200 | 0xdb8) => false,
        // What is global is in 2000::/3.
        (0x2000..=0x3fff, _) => true,
        _ => false,
    }
}

const fn carried(high: u16, low: u16) -> Ipv4Addr {
    let ([a, b], [c, d]) = (high.to_be_bytes(), low.to_be_bytes());
    Ipv4Addr::new(a, b, c, d)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_addresses_that_the_whole_internet_knows_are_public() {
        for (text, public) in [
            ("93.184.216.34", true),
            ("8.8.8.8", true),
            ("127.0.0.1", false),
            ("10.1.2.3", false),
            ("172.16.0.1", false),
            ("192.168.1.1", false),
            ("169.254.169.254", false),
            ("100.64.0.1", false),
            ("0.0.0.0", false),
            ("198.18.0.1", false),
            ("224.0.0.1", false),
            ("255.255.255.255", false),
            ("2606:4700::1111", true),
            ("::1", false),
            ("::", false),
            ("fe80::1", false),
            ("fd00::1", false),
            ("ff02::1", false),
            ("2001:db8::1", false),
            ("::ffff:127.0.0.1", false),
            ("::ffff:8.8.8.8", true),
            ("64:ff9b::7f00:1", false),
            ("64:ff9b::808:808", true),
            ("2002:7f00:1::", false),
        ] {
            assert_eq!(is_public(text.parse().unwrap()), public, "{text}");
        }
    }

    #[tokio::test]
    async fn what_leads_into_the_house_is_not_called() {
        let outbound = Outbound::new(false).unwrap();
        for url in [
            "http://127.0.0.1:9/",
            "http://[::1]:9/",
            "http://2130706433/",
            "file:///etc/passwd",
            "nonsense",
        ] {
            let answer = outbound.post(url, &[], String::new()).await;
            assert!(matches!(answer, Answer::Refused(_)), "{url}: {answer:?}");
        }
        let answer = outbound.post("http://localhost:9/", &[], String::new()).await;
        assert_eq!(answer, Answer::None(NOT_PUBLIC.into()));
    }

    /// Answers each connection with the next of these, and hangs up.
    fn server(answers: Vec<String>) -> String {
        use std::io::{Read as _, Write as _};
        let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        let address = format!("http://{}/", listener.local_addr().unwrap());
        std::thread::spawn(move || {
            for (answer, stream) in answers.into_iter().zip(listener.incoming()) {
                let mut stream = stream.unwrap();
                let mut heard = [0; 4096];
                let _read = stream.read(&mut heard).unwrap();
                stream.write_all(answer.as_bytes()).unwrap();
            }
        });
        address
    }

    fn ok(body: &str) -> String {
        format!(
            "HTTP/1.1 200 OK\r\nContent-Length: {}\r\nConnection: close\r\n\r\n{body}",
            body.len()
        )
    }

    fn moved(to: &str) -> String {
        format!("HTTP/1.1 302 Found\r\nLocation: {to}\r\nContent-Length: 0\r\nConnection: close\r\n\r\n")
    }

    #[tokio::test]
    async fn fetching_follows_redirects_and_looks_at_each() {
        let outbound = Outbound::new(true).unwrap();
        let address = server(vec![moved("news"), ok("hello")]);
        let reply = outbound.fetch(&address, &[], 100).await.unwrap();
        assert_eq!(reply.text(), "hello");
        assert_eq!(reply.url.path(), "/news");
        let address = server(vec![moved("file:///etc/passwd")]);
        let error = outbound.fetch(&address, &[], 100).await.unwrap_err();
        assert!(matches!(error, CallError::Refused(_)), "{error:?}");
        let address = server((0..9).map(|_| moved("/")).collect());
        let error = outbound.fetch(&address, &[], 100).await.unwrap_err();
        assert!(error.to_string().contains("more than 5 times"), "{error}");
    }

    #[tokio::test]
    async fn an_answer_that_is_too_long_or_breaks_off_is_none() {
        let outbound = Outbound::new(true).unwrap();
        let address = server(vec![
            ok("0123456789"),
            ok("0123456789"),
            ok("x").replace("th: 1", "th: 5"),
        ]);
        assert!(outbound.fetch(&address, &[], 10).await.is_ok());
        let error = outbound.fetch(&address, &[], 9).await.unwrap_err();
        assert_eq!(error, CallError::TooLarge(9));
        let error = outbound.fetch(&address, &[], 9).await.unwrap_err();
        assert!(matches!(error, CallError::Broken(_)), "{error:?}");
    }

    #[tokio::test]
    async fn where_nobody_listens_nothing_was_sent() {
        let free = std::net::TcpListener::bind("127.0.0.1:0")
            .unwrap()
            .local_addr()
            .unwrap();
        let outbound = Outbound::new(true).unwrap();
        let error = outbound
            .fetch(&format!("http://{free}/"), &[], 9)
            .await
            .unwrap_err();
        assert!(matches!(error, CallError::Unreached(_)), "{error:?}");
    }
}
