//! X: its API v2 (docs.x.com/x-api/posts/create-post, …/media/upload-media), as an account that let
//! the club's app in.

use super::media::{self, Fetched};
use super::oauth::Keys;
use super::talk::{Own, Step, call, expect, instant, passing, pick, request, unsaid};
use super::{Answering, Job, Published, Publisher};
use crate::clock::Clock;
use crate::domain::Platform;
use crate::messaging::{Engagement, SendError};
use crate::outbound::{Outbound, Reply};
use reqwest::header::AUTHORIZATION;
use reqwest::multipart::{Form, Part};
use reqwest::{Method, RequestBuilder};
use serde_json::{Value, json};
use std::time::Duration;
use url::Url;

/// Where the API is.
pub const X_HOME: &str = "https://api.x.com";

/// An account.
pub struct X {
    pub home: String,
    pub keys: Keys,
    pub outbound: Outbound,
    pub clock: Clock,
}

fn said(answer: &Reply) -> String {
    let json = answer.json();
    let first = &json["errors"][0];
    let found = [
        &json["detail"],
        &first["message"],
        &first["detail"],
        &json["title"],
    ];
    let text = found.into_iter().find_map(Value::as_str);
    text.unwrap_or_default().to_owned()
}

impl X {
    fn to(&self, method: Method, path: &str) -> Result<RequestBuilder, SendError> {
        let address = format!("{}/2/{path}", self.home);
        let url: Url = address
            .parse()
            .map_err(|_| passing("This is no address of X.".into(), None))?;
        let nonce = uuid::Uuid::new_v4().simple().to_string();
        let at = self.clock.now().timestamp();
        let signed = self.keys.authorization(method.as_str(), &url, &nonce, at);
        Ok(request(&self.outbound, method, &address)?.header(AUTHORIZATION, signed))
    }

    async fn ask(&self, step: Step, request: RequestBuilder) -> Result<Reply, SendError> {
        let answer = call(&self.outbound, step, request).await?;
        // It says when its window ends, as an instant.
        let reset = answer
            .header("x-rate-limit-reset")
            .and_then(|text| text.parse::<i64>().ok());
        let rest = reset.map(|at| at - self.clock.now().timestamp());
        let rest = rest.and_then(|seconds| u64::try_from(seconds).ok());
        let rest = rest.filter(|_| answer.status == 429).map(Duration::from_secs);
        // The same text again is refused: perhaps it is there.
        let text = said(&answer);
        if step == Step::Publishes && answer.status == 403 && text.contains("duplicate") {
            return Err(SendError::Ambiguous { reply: text });
        }
        expect(step, answer, |_| text, rest)
    }

    async fn upload(&self, fetched: Fetched) -> Result<String, SendError> {
        let category = match fetched.mime.as_str() {
            "image/gif" => "tweet_gif",
            _ => "tweet_image",
        };
        let part = Part::bytes(fetched.bytes).file_name(fetched.name);
        let part = part
            .mime_str(&fetched.mime)
            .map_err(|error| passing(error.to_string(), None))?;
        let form = Form::new()
            .text("media_category", category)
            .text("media_type", fetched.mime)
            .part("media", part);
        let request = self.to(Method::POST, "media/upload")?.multipart(form);
        let json = self.ask(Step::Before, request).await?.json();
        let id = json["data"]["id"].as_str().map(str::to_owned);
        id.ok_or_else(|| passing("X gave the picture no id.".into(), None))
    }

    /// Id and name.
    async fn me(&self) -> Result<(String, String), SendError> {
        let json = self
            .ask(Step::Before, self.to(Method::GET, "users/me")?)
            .await?
            .json();
        let text = |name: &str| json["data"][name].as_str().map(str::to_owned);
        match (text("id"), text("username")) {
            (Some(id), Some(name)) => Ok((id, name)),
            _ => Err(passing("X does not say which account this is.".into(), None)),
        }
    }
}

/// A post's text with the addresses in it that X hides behind its own.
fn text_of(post: &Value) -> String {
    let mut text = post["text"].as_str().unwrap_or_default().to_owned();
    for url in post["entities"]["urls"].as_array().into_iter().flatten() {
        if let (Some(short), Some(long)) = (url["url"].as_str(), url["expanded_url"].as_str()) {
            // A picture's own address stands at the end and was not written.
            let is_media = url.get("media_key").is_some();
            text = text.replacen(short, if is_media { "" } else { long }, 1);
        }
    }
    for (name, c) in [("&lt;", "<"), ("&gt;", ">"), ("&amp;", "&")] {
        text = text.replace(name, c);
    }
    text
}

impl Publisher for X {
    fn platform(&self) -> Platform {
        Platform::X
    }

    fn publish<'a>(&'a self, job: Job<'a>) -> Answering<'a, Published> {
        Box::pin(async move {
            let mut ids = Vec::new();
            for fetched in media::fetch_all(&self.outbound, self.platform(), &job.post.media).await? {
                ids.push(self.upload(fetched).await?);
            }
            let mut body = json!({ "text": job.post.tracked_text() });
            if !ids.is_empty() {
                body["media"] = json!({ "media_ids": ids });
            }
            let request = self.to(Method::POST, "tweets")?.json(&body);
            let json = self.ask(Step::Publishes, request).await?.json();
            let id = json["data"]["id"].as_str().ok_or_else(|| unsaid("X"))?.to_owned();
            Ok(Published {
                permalink: Some(format!("https://x.com/i/status/{id}")),
                id,
            })
        })
    }

    fn find<'a>(&'a self, job: Job<'a>) -> Answering<'a, Option<Published>> {
        Box::pin(async move {
            let (id, name) = self.me().await?;
            let path = format!("users/{id}/tweets?max_results=50&tweet.fields=created_at,entities");
            let json = self.ask(Step::Before, self.to(Method::GET, &path)?).await?.json();
            let own = json["data"].as_array().into_iter().flatten().filter_map(|post| {
                let id = post["id"].as_str()?.to_owned();
                Some(Own {
                    published: Published {
                        permalink: Some(format!("https://x.com/{name}/status/{id}")),
                        id,
                    },
                    text: text_of(post),
                    at: post["created_at"].as_str().and_then(instant),
                })
            });
            Ok(pick(own, &job.post.tracked_text(), job.post.made_at))
        })
    }

    fn engagement<'a>(&'a self, id: &'a str) -> Answering<'a, Engagement> {
        Box::pin(async move {
            let path = format!("tweets/{id}?tweet.fields=public_metrics");
            let json = self.ask(Step::Before, self.to(Method::GET, &path)?).await?.json();
            let sums = &json["data"]["public_metrics"];
            let quotes = sums["quote_count"].as_i64().unwrap_or_default();
            Ok(Engagement {
                likes: sums["like_count"].as_i64(),
                comments: sums["reply_count"].as_i64(),
                shares: sums["retweet_count"].as_i64().map(|posts| posts + quotes),
            })
        })
    }

    fn check(&self) -> Answering<'_, ()> {
        Box::pin(async move { self.me().await.map(drop) })
    }

    fn place(&self) -> String {
        "X".to_owned()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hidden_addresses_are_read_as_they_were_written() {
        let post = json!({
            "text": "Tom &amp; Anna: https://t.co/a https://t.co/pic",
            "entities": { "urls": [
                { "url": "https://t.co/a", "expanded_url": "https://c.example/t/c/abc" },
                { "url": "https://t.co/pic", "expanded_url": "https://x.com/c/1/photo/1", "media_key": "3_1" },
            ] },
        });
        assert_eq!(text_of(&post).trim(), "Tom & Anna: https://c.example/t/c/abc");
    }
}
