//! Mastodon: its REST API (docs.joinmastodon.org/methods/statuses, …/media). A key of our own makes
//! repeating harmless for an hour; after that the account's statuses are looked through.

use super::media::{self, Fetched};
use super::talk::{Own, Step, call, expect, instant, passing, pick, request, unsaid};
use super::{Answering, Job, Published, Publisher};
use crate::domain::Platform;
use crate::messaging::{Engagement, SendError};
use crate::outbound::{Outbound, Reply};
use reqwest::multipart::{Form, Part};
use reqwest::{Method, RequestBuilder};
use secrecy::{ExposeSecret as _, SecretString};
use serde_json::{Value, json};
use std::time::Duration;

/// How often a film that is being converted is asked about.
const ASKS: u32 = 60;

/// An account on a server.
pub struct Mastodon {
    /// `https://mastodon.example`
    pub home: String,
    pub token: SecretString,
    pub outbound: Outbound,
    /// Between two questions whether a film is ready.
    pub rest: Duration,
}

fn said(answer: &Reply) -> String {
    answer.json()["error"].as_str().unwrap_or_default().to_owned()
}

impl Mastodon {
    fn to(&self, method: Method, path: &str) -> Result<RequestBuilder, SendError> {
        let request = request(&self.outbound, method, &format!("{}{path}", self.home))?;
        Ok(request.bearer_auth(self.token.expose_secret()))
    }

    async fn ask(&self, step: Step, request: RequestBuilder) -> Result<Reply, SendError> {
        let answer = call(&self.outbound, step, request).await?;
        expect(step, answer, said, None)
    }

    async fn upload(&self, fetched: Fetched) -> Result<String, SendError> {
        let part = Part::bytes(fetched.bytes).file_name(fetched.name);
        let part = part
            .mime_str(&fetched.mime)
            .map_err(|error| passing(error.to_string(), None))?;
        let form = Form::new().part("file", part);
        let request = self.to(Method::POST, "/api/v2/media")?.multipart(form);
        let answer = self.ask(Step::Before, request).await?;
        let id = answer.json()["id"].as_str().map(str::to_owned);
        let id = id.ok_or_else(|| passing("Mastodon gave the picture no id.".into(), None))?;
        let mut is_ready = answer.status == 200;
        for _ in 0..ASKS {
            if is_ready {
                return Ok(id);
            }
            tokio::time::sleep(self.rest).await;
            let request = self.to(Method::GET, &format!("/api/v1/media/{id}"))?;
            is_ready = self.ask(Step::Before, request).await?.status == 200;
        }
        Err(passing("Mastodon is still converting the film.".into(), None))
    }

    async fn own_id(&self) -> Result<String, SendError> {
        let request = self.to(Method::GET, "/api/v1/accounts/verify_credentials")?;
        let answer = self.ask(Step::Before, request).await?;
        let id = answer.json()["id"].as_str().map(str::to_owned);
        id.ok_or_else(|| passing("Mastodon does not say which account this is.".into(), None))
    }
}

fn published(status: &Value) -> Option<Published> {
    Some(Published {
        id: status["id"].as_str()?.to_owned(),
        permalink: status["url"].as_str().map(str::to_owned),
    })
}

/// The text of a status, whose content is HTML with each address whole, in pieces.
fn text_of(html: &str) -> String {
    let mut text = String::with_capacity(html.len());
    let mut is_tag = false;
    for c in html.chars() {
        match c {
            '<' => is_tag = true,
            '>' if is_tag => is_tag = false,
            c if !is_tag => text.push(c),
            _ => {}
        }
    }
    for (name, c) in [
        ("&lt;", "<"),
        ("&gt;", ">"),
        ("&quot;", "\""),
        ("&#39;", "'"),
        ("&apos;", "'"),
        ("&nbsp;", " "),
        ("&amp;", "&"),
    ] {
        text = text.replace(name, c);
    }
    text
}

impl Publisher for Mastodon {
    fn platform(&self) -> Platform {
        Platform::Mastodon
    }

    fn publish<'a>(&'a self, job: Job<'a>) -> Answering<'a, Published> {
        Box::pin(async move {
            let mut ids = Vec::new();
            for fetched in media::fetch_all(&self.outbound, self.platform(), &job.post.media).await? {
                ids.push(self.upload(fetched).await?);
            }
            let body = json!({
                "status": job.post.tracked_text(),
                "media_ids": ids,
                "visibility": "public",
            });
            let request = self
                .to(Method::POST, "/api/v1/statuses")?
                .header("Idempotency-Key", job.id())
                .json(&body);
            let answer = self.ask(Step::Publishes, request).await?;
            published(&answer.json()).ok_or_else(|| unsaid("Mastodon"))
        })
    }

    fn find<'a>(&'a self, job: Job<'a>) -> Answering<'a, Option<Published>> {
        Box::pin(async move {
            let id = self.own_id().await?;
            let path = format!("/api/v1/accounts/{id}/statuses?limit=40&exclude_reblogs=true");
            let answer = self.ask(Step::Before, self.to(Method::GET, &path)?).await?;
            let statuses = answer.json();
            let own = statuses.as_array().into_iter().flatten().filter_map(|status| {
                Some(Own {
                    published: published(status)?,
                    text: text_of(status["content"].as_str()?),
                    at: instant(status["created_at"].as_str()?),
                })
            });
            Ok(pick(own, &job.post.tracked_text(), job.post.made_at))
        })
    }

    fn engagement<'a>(&'a self, id: &'a str) -> Answering<'a, Engagement> {
        Box::pin(async move {
            let request = self.to(Method::GET, &format!("/api/v1/statuses/{id}"))?;
            let status = self.ask(Step::Before, request).await?.json();
            Ok(Engagement {
                likes: status["favourites_count"].as_i64(),
                comments: status["replies_count"].as_i64(),
                shares: status["reblogs_count"].as_i64(),
            })
        })
    }

    fn check(&self) -> Answering<'_, ()> {
        Box::pin(async move { self.own_id().await.map(drop) })
    }

    fn place(&self) -> String {
        format!("Mastodon at {}", self.home.trim_start_matches("https://"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_status_is_read_as_it_was_written() {
        let html = "<p>Tom &amp; Anna play:<br />enter <a href=\"https://c.example/t/c/abc\"><span class=\"invisible\">\
                    https://</span><span class=\"ellipsis\">c.example/t/c</span><span class=\"invisible\">/abc</span></a></p>\
                    <p>Today</p>";
        let written = "Tom & Anna play:\nenter https://c.example/t/c/abc\n\nToday";
        assert!(super::super::talk::is_same(&text_of(html), written));
    }
}
