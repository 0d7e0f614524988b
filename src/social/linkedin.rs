//! LinkedIn pages: the Posts, Images and Share Statistics APIs
//! (learn.microsoft.com/linkedin/marketing/community-management/shares/posts-api).

use super::media::{self, Fetched};
use super::talk::{Own, Step, call, expect, passing, pick, request, unsaid};
use super::{Answering, Job, Published, Publisher};
use crate::domain::Platform;
use crate::domain::social::hashtags;
use crate::messaging::{Engagement, SendError};
use crate::outbound::{Outbound, Reply};
use chrono::DateTime;
use reqwest::header::CONTENT_TYPE;
use reqwest::{Method, RequestBuilder};
use secrecy::{ExposeSecret as _, SecretString};
use serde_json::{Value, json};

/// Where the API is.
pub const LINKEDIN: &str = "https://api.linkedin.com";

/// What means something in the API's “little text” and is escaped in a text.
const RESERVED: &str = "\\|{}@[]()<>#*_~";

/// A page that is posted on.
pub struct LinkedIn {
    pub home: String,
    /// The page's number.
    pub organization: String,
    pub token: SecretString,
    /// `202606`: the API's month, as LinkedIn wants it in every call.
    pub version: String,
    pub outbound: Outbound,
}

fn said(answer: &Reply) -> String {
    answer.json()["message"].as_str().unwrap_or_default().to_owned()
}

impl LinkedIn {
    fn author(&self) -> String {
        format!("urn:li:organization:{}", self.organization)
    }

    fn to(&self, method: Method, path: &str) -> Result<RequestBuilder, SendError> {
        Ok(
            request(&self.outbound, method, &format!("{}/rest/{path}", self.home))?
                .bearer_auth(self.token.expose_secret())
                .header("LinkedIn-Version", &self.version)
                .header("X-Restli-Protocol-Version", "2.0.0"),
        )
    }

    async fn ask(&self, step: Step, request: RequestBuilder) -> Result<Reply, SendError> {
        let answer = call(&self.outbound, step, request).await?;
        expect(step, answer, said, None)
    }

    async fn upload(&self, fetched: Fetched) -> Result<String, SendError> {
        let body = json!({ "initializeUploadRequest": { "owner": self.author() } });
        let request = self
            .to(Method::POST, "images?action=initializeUpload")?
            .json(&body);
        let json = self.ask(Step::Before, request).await?.json();
        let value = &json["value"];
        let (Some(url), Some(image)) = (value["uploadUrl"].as_str(), value["image"].as_str()) else {
            return Err(passing("LinkedIn gave the picture no place.".into(), None));
        };
        let request = request_put(&self.outbound, url)?
            .bearer_auth(self.token.expose_secret())
            .header(CONTENT_TYPE, fetched.mime)
            .body(fetched.bytes);
        self.ask(Step::Before, request).await?;
        Ok(image.to_owned())
    }

    async fn own(&self, count: u32) -> Result<Value, SendError> {
        let author = self.author();
        let count = count.to_string();
        let query = [
            ("author", author.as_str()),
            ("q", "author"),
            ("count", &count),
            ("sortBy", "CREATED"),
        ];
        let request = self
            .to(Method::GET, "posts")?
            .header("X-RestLi-Method", "FINDER")
            .query(&query);
        Ok(self.ask(Step::Before, request).await?.json())
    }
}

fn request_put(outbound: &Outbound, url: &str) -> Result<RequestBuilder, SendError> {
    request(outbound, Method::PUT, url)
}

fn published(urn: &str) -> Published {
    Published {
        id: urn.to_owned(),
        permalink: Some(format!("https://www.linkedin.com/feed/update/{urn}")),
    }
}

/// A text as “little text”: hashtags are hashtags, and nothing else means anything.
fn commentary(text: &str) -> String {
    let mut written = String::with_capacity(text.len() + 32);
    let escape = |written: &mut String, text: &str| {
        for c in text.chars() {
            if RESERVED.contains(c) {
                written.push('\\');
            }
            written.push(c);
        }
    };
    let mut from = 0;
    for (start, end) in hashtags(text) {
        escape(&mut written, &text[from..start]);
        let tag = text[start..end].trim_start_matches(['#', '＃']);
        written.push_str("{hashtag|\\#|");
        written.push_str(tag);
        written.push('}');
        from = end;
    }
    escape(&mut written, &text[from..]);
    written
}

/// “Little text” as it reads.
fn plain(commentary: &str) -> String {
    let mut text = String::with_capacity(commentary.len());
    let mut rest = commentary;
    while let Some(c) = rest.chars().next() {
        if let Some((tag, after)) = rest
            .strip_prefix("{hashtag|\\#|")
            .and_then(|tagged| tagged.split_once('}'))
        {
            text.push('#');
            text.push_str(tag);
            rest = after;
            continue;
        }
        rest = &rest[c.len_utf8()..];
        match (c, rest.chars().next()) {
            ('\\', Some(escaped)) => {
                text.push(escaped);
                rest = &rest[escaped.len_utf8()..];
            }
            _ => text.push(c),
        }
    }
    text
}

impl Publisher for LinkedIn {
    fn platform(&self) -> Platform {
        Platform::LinkedIn
    }

    fn publish<'a>(&'a self, job: Job<'a>) -> Answering<'a, Published> {
        Box::pin(async move {
            let mut images = Vec::new();
            for fetched in media::fetch_all(&self.outbound, self.platform(), &job.post.media).await? {
                images.push(self.upload(fetched).await?);
            }
            let mut body = json!({
                "author": self.author(),
                "commentary": commentary(&job.post.tracked_text()),
                "visibility": "PUBLIC",
                "distribution": {
                    "feedDistribution": "MAIN_FEED",
                    "targetEntities": [],
                    "thirdPartyDistributionChannels": [],
                },
                "lifecycleState": "PUBLISHED",
                "isReshareDisabledByAuthor": false,
            });
            match &images[..] {
                [] => {}
                [image] => body["content"] = json!({ "media": { "id": image } }),
                several => {
                    let images: Vec<_> = several.iter().map(|image| json!({ "id": image })).collect();
                    body["content"] = json!({ "multiImage": { "images": images } });
                }
            }
            let request = self.to(Method::POST, "posts")?.json(&body);
            let answer = self.ask(Step::Publishes, request).await?;
            match answer.header("x-restli-id") {
                Some(urn) => Ok(published(urn)),
                None => Err(unsaid("LinkedIn")),
            }
        })
    }

    fn find<'a>(&'a self, job: Job<'a>) -> Answering<'a, Option<Published>> {
        Box::pin(async move {
            let json = self.own(50).await?;
            let own = json["elements"]
                .as_array()
                .into_iter()
                .flatten()
                .filter_map(|post| {
                    Some(Own {
                        published: published(post["id"].as_str()?),
                        text: plain(post["commentary"].as_str().unwrap_or_default()),
                        at: post["createdAt"]
                            .as_i64()
                            .and_then(DateTime::from_timestamp_millis),
                    })
                });
            Ok(pick(own, &job.post.tracked_text(), job.post.made_at))
        })
    }

    fn engagement<'a>(&'a self, id: &'a str) -> Answering<'a, Engagement> {
        Box::pin(async move {
            let kind = match id.starts_with("urn:li:ugcPost:") {
                true => "ugcPosts",
                false => "shares",
            };
            let escaped =
                |urn: &str| url::form_urlencoded::byte_serialize(urn.as_bytes()).collect::<String>();
            let path = format!(
                "organizationalEntityShareStatistics?q=organizationalEntity&organizationalEntity={}&{kind}=List({})",
                escaped(&self.author()),
                escaped(id)
            );
            let json = self.ask(Step::Before, self.to(Method::GET, &path)?).await?.json();
            let sums = &json["elements"][0]["totalShareStatistics"];
            Ok(Engagement {
                likes: sums["likeCount"].as_i64(),
                comments: sums["commentCount"].as_i64(),
                shares: sums["shareCount"].as_i64(),
            })
        })
    }

    fn check(&self) -> Answering<'_, ()> {
        Box::pin(async move { self.own(1).await.map(drop) })
    }

    fn place(&self) -> String {
        format!("LinkedIn page {}", self.organization)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_text_means_nothing_but_its_hashtags() {
        let text = "Par (4) @ the #Spring_Cup: a|b {x} https://c.example/a_b";
        let written = commentary(text);
        assert_eq!(
            written,
            "Par \\(4\\) \\@ the {hashtag|\\#|Spring_Cup}: a\\|b \\{x\\} https://c.example/a\\_b"
        );
        assert_eq!(plain(&written), text);
    }
}
