//! Calls to other systems at addresses that staff wrote: to public addresses only, whatever a name
//! resolves to, without redirects, within limits of time and size. Knows no feature.

use anyhow::{Context as _, Result};
use reqwest::dns::{Addrs, Name, Resolve, Resolving};
use reqwest::redirect::Policy;
use rustls::crypto::ring;
use rustls::{ClientConfig, RootCertStore};
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;
use url::{Host, Url};

/// From the first look-up to the last byte.
const LONGEST: Duration = Duration::from_secs(10);
/// What is read of an answer that is only looked at, in bytes.
const LOOKED_AT: usize = 4 * 1024;

/// Makes the calls. Cheap to clone.
#[derive(Clone)]
pub struct Outbound {
    http: reqwest::Client,
    /// Whether addresses within the house are called as well.
    takes_private: bool,
}

/// What a call came to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Answer {
    /// The status, and the beginning of the body.
    Status(u16, String),
    /// Nobody answered in time, or not as HTTP does: a sentence.
    None(String),
    /// It was not called at all: a sentence.
    Refused(String),
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
            .pool_max_idle_per_host(2)
            .user_agent(concat!("Fairway/", env!("CARGO_PKG_VERSION")))
            .dns_resolver(Arc::new(Public { takes_private }))
            .build()
            .context("The client for webhooks cannot be made")?;
        Ok(Self { http, takes_private })
    }

    /// Posts JSON.
    pub async fn post(&self, url: &str, headers: &[(&'static str, String)], body: String) -> Answer {
        let url = match self.check(url) {
            Ok(url) => url,
            Err(sentence) => return Answer::Refused(sentence),
        };
        let mut request = self
            .http
            .post(url)
            .header("Content-Type", "application/json")
            .body(body);
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
        true => "Nobody answered within ten seconds.".into(),
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
}
