//! Bluesky: the AT Protocol (docs.bsky.app/docs/advanced-guides/posts). A record has a key that we
//! choose, made of the post's time and id, so that making it again makes no second one.

use super::media::{self, Fetched};
use super::talk::{Step, call, expect, passing, request, unsaid};
use super::{Answering, Job, Published, Publisher};
use crate::domain::Platform;
use crate::domain::social::hashtags;
use crate::messaging::{Engagement, Post, SendError};
use crate::outbound::{Outbound, Reply};
use chrono::{DateTime, Utc};
use reqwest::header::CONTENT_TYPE;
use reqwest::{Method, RequestBuilder};
use secrecy::{ExposeSecret as _, SecretString};
use serde_json::{Value, json};
use sha2::{Digest as _, Sha256};
use tokio::sync::Mutex;

const COLLECTION: &str = "app.bsky.feed.post";

/// An account, signed in with an app password.
pub struct Bluesky {
    /// The account's server: `https://bsky.social`
    pub home: String,
    /// The handle, or the DID.
    pub identifier: String,
    pub password: SecretString,
    pub outbound: Outbound,
    /// Signing in is limited to a few times a minute, so it is done once for many posts.
    pub session: Mutex<Option<Session>>,
}

/// What a sign-in gave.
#[derive(Clone)]
pub struct Session {
    token: SecretString,
    did: String,
    handle: String,
}

fn said(answer: &Reply) -> String {
    let json = answer.json();
    let text = |name: &str| json[name].as_str().unwrap_or_default().to_owned();
    match text("message") {
        message if message.is_empty() => text("error"),
        message => message,
    }
}

impl Bluesky {
    fn to(&self, method: Method, name: &str) -> Result<RequestBuilder, SendError> {
        request(&self.outbound, method, &format!("{}/xrpc/{name}", self.home))
    }

    async fn session(&self) -> Result<Session, SendError> {
        let mut kept = self.session.lock().await;
        if let Some(session) = &*kept {
            return Ok(session.clone());
        }
        let body = json!({ "identifier": self.identifier, "password": self.password.expose_secret() });
        let request = self
            .to(Method::POST, "com.atproto.server.createSession")?
            .json(&body);
        let answer = call(&self.outbound, Step::Before, request).await?;
        let json = expect(Step::Before, answer, said, None)?.json();
        let text = |name: &str| json[name].as_str().map(str::to_owned);
        let session = match (text("accessJwt"), text("did"), text("handle")) {
            (Some(token), Some(did), Some(handle)) => Session {
                token: token.into(),
                did,
                handle,
            },
            _ => return Err(passing("Bluesky signed in without saying as whom.".into(), None)),
        };
        *kept = Some(session.clone());
        Ok(session)
    }

    /// Makes a call as the account; signs in anew where the token has expired.
    async fn ask(
        &self,
        step: Step,
        make: impl Fn(&Session) -> Result<RequestBuilder, SendError>,
    ) -> Result<(Reply, Session), SendError> {
        let mut is_fresh = false;
        loop {
            let session = self.session().await?;
            let request = make(&session)?.bearer_auth(session.token.expose_secret());
            let answer = call(&self.outbound, step, request).await?;
            let is_expired =
                answer.status == 401 || answer.status == 400 && answer.json()["error"] == "ExpiredToken";
            if is_expired && !is_fresh {
                is_fresh = true;
                *self.session.lock().await = None;
                continue;
            }
            return Ok((answer, session));
        }
    }

    async fn upload(&self, fetched: &Fetched) -> Result<Value, SendError> {
        let (answer, _) = self
            .ask(Step::Before, |_| {
                Ok(self
                    .to(Method::POST, "com.atproto.repo.uploadBlob")?
                    .header(CONTENT_TYPE, fetched.mime.as_str())
                    .body(fetched.bytes.clone()))
            })
            .await?;
        let mut json = expect(Step::Before, answer, said, None)?.json();
        Ok(json["blob"].take())
    }

    async fn record(&self, job: Job<'_>) -> Result<Value, SendError> {
        let post = job.post;
        let mut images = Vec::new();
        for fetched in media::fetch_all(&self.outbound, self.platform(), &post.media).await? {
            images.push(json!({ "alt": "", "image": self.upload(&fetched).await? }));
        }
        let now = DateTime::from_timestamp(job.message.date, 0).unwrap_or(post.made_at);
        let mut record = json!({
            "$type": COLLECTION,
            "text": post.text,
            "createdAt": now.to_rfc3339_opts(chrono::SecondsFormat::Millis, true),
            "facets": facets(post),
        });
        if !images.is_empty() {
            record["embed"] = json!({ "$type": "app.bsky.embed.images", "images": images });
        }
        Ok(record)
    }

    fn seen(session: &Session, key: &str) -> Published {
        Published {
            id: format!("at://{}/{COLLECTION}/{key}", session.did),
            permalink: Some(format!("https://bsky.app/profile/{}/post/{key}", session.handle)),
        }
    }

    async fn look(&self, job: Job<'_>) -> Result<Option<Published>, SendError> {
        let key = record_key(job.post.made_at, job.id());
        let (answer, session) = self
            .ask(Step::Before, |session| {
                let query = [
                    ("repo", session.did.as_str()),
                    ("collection", COLLECTION),
                    ("rkey", &key),
                ];
                Ok(self.to(Method::GET, "com.atproto.repo.getRecord")?.query(&query))
            })
            .await?;
        let is_missing = answer.status == 404
            || answer.status == 400 && answer.json()["error"].as_str() == Some("RecordNotFound");
        if is_missing {
            return Ok(None);
        }
        expect(Step::Before, answer, said, None)?;
        Ok(Some(Self::seen(&session, &key)))
    }
}

/// A TID (atproto.com/specs/tid): 53 bits of microseconds and 10 that tell posts of one moment
/// apart, in 13 characters that sort.
fn record_key(made_at: DateTime<Utc>, id: &str) -> String {
    const LETTERS: &[u8; 32] = b"234567abcdefghijklmnopqrstuvwxyz";
    let hash = Sha256::digest(id.as_bytes());
    let clock = u64::from(u16::from_be_bytes([hash[0], hash[1]]) & 0x3ff);
    // Within the moment too: ten bits alone would meet among a hundred posts.
    let within = u64::from(u16::from_be_bytes([hash[2], hash[3]])) % 1_000;
    let micros = made_at.timestamp_millis().max(0).cast_unsigned() * 1_000 + within;
    let number = (micros & ((1 << 53) - 1)) << 10 | clock;
    (0..13)
        .map(|place| char::from(LETTERS[(number >> (60 - 5 * place)) as usize & 31]))
        .collect()
}

/// What of the text is a link or a hashtag, by its bytes. Readers see the address that was written,
/// and follow the one that counts.
fn facets(post: &Post) -> Vec<Value> {
    let index = |start: usize, end: usize| json!({ "byteStart": start, "byteEnd": end });
    let links = post.links.iter().map(|link| {
        json!({
            "index": index(link.start, link.end),
            "features": [{ "$type": "app.bsky.richtext.facet#link", "uri": link.url }],
        })
    });
    let tags = hashtags(&post.text).into_iter().filter_map(|(start, end)| {
        let tag = post.text.get(start..end)?.trim_start_matches(['#', '＃']);
        Some(json!({
            "index": index(start, end),
            "features": [{ "$type": "app.bsky.richtext.facet#tag", "tag": tag }],
        }))
    });
    links.chain(tags).collect()
}

impl Publisher for Bluesky {
    fn platform(&self) -> Platform {
        Platform::Bluesky
    }

    fn publish<'a>(&'a self, job: Job<'a>) -> Answering<'a, Published> {
        Box::pin(async move {
            let key = record_key(job.post.made_at, job.id());
            let record = self.record(job).await?;
            let (answer, session) = self
                .ask(Step::Publishes, |session| {
                    let body = json!({
                        "repo": session.did,
                        "collection": COLLECTION,
                        "rkey": key,
                        "record": record,
                    });
                    Ok(self
                        .to(Method::POST, "com.atproto.repo.createRecord")?
                        .json(&body))
                })
                .await?;
            // A record of this key is this post.
            if answer.status == 400
                && let Ok(Some(there)) = self.look(job).await
            {
                return Ok(there);
            }
            let json = expect(Step::Publishes, answer, said, None)?.json();
            match json["uri"].as_str() {
                Some(_) => Ok(Self::seen(&session, &key)),
                None => Err(unsaid("Bluesky")),
            }
        })
    }

    fn find<'a>(&'a self, job: Job<'a>) -> Answering<'a, Option<Published>> {
        Box::pin(self.look(job))
    }

    fn engagement<'a>(&'a self, id: &'a str) -> Answering<'a, Engagement> {
        Box::pin(async move {
            let (answer, _) = self
                .ask(Step::Before, |_| {
                    Ok(self
                        .to(Method::GET, "app.bsky.feed.getPosts")?
                        .query(&[("uris", id)]))
                })
                .await?;
            let json = expect(Step::Before, answer, said, None)?.json();
            let post = &json["posts"][0];
            let quotes = post["quoteCount"].as_i64().unwrap_or_default();
            Ok(Engagement {
                likes: post["likeCount"].as_i64(),
                comments: post["replyCount"].as_i64(),
                shares: post["repostCount"].as_i64().map(|reposts| reposts + quotes),
            })
        })
    }

    fn check(&self) -> Answering<'_, ()> {
        Box::pin(async move {
            *self.session.lock().await = None;
            self.session().await.map(drop)
        })
    }

    fn place(&self) -> String {
        format!("Bluesky as {}", self.identifier)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_key_is_a_tid_and_the_same_each_time() {
        let at = DateTime::from_timestamp_millis(1_772_438_400_000).unwrap();
        let key = record_key(at, "7.1@club.example");
        assert_eq!(key.len(), 13);
        assert!(key.bytes().all(|c| matches!(c, b'2'..=b'7' | b'a'..=b'z')));
        assert!(key.as_bytes()[0] <= b'j', "{key}: its highest bit is 0");
        assert_eq!(key, record_key(at, "7.1@club.example"));
        assert_ne!(key, record_key(at, "8.1@club.example"));
        assert!(
            key < record_key(at + chrono::TimeDelta::seconds(1), "7.1@club.example"),
            "it sorts"
        );
    }
}
