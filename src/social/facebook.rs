//! Facebook pages: the Graph API (developers.facebook.com/docs/graph-api/reference/page/feed,
//! …/page/photos, …/page/videos), with a page's own access token.

use super::talk::{Own, Step, call, instant, passing, pick, refusal, request, unsaid};
use super::{Answering, Job, Published, Publisher};
use crate::domain::Platform;
use crate::messaging::{Engagement, SendError};
use crate::outbound::{Outbound, Reply};
use hmac::{Hmac, KeyInit as _, Mac as _};
use reqwest::Method;
use secrecy::{ExposeSecret as _, SecretString};
use serde_json::{Value, json};
use sha2::Sha256;
use std::time::Duration;

/// Where the API is, with the version that this speaks.
pub const GRAPH: &str = "https://graph.facebook.com/v23.0";

/// How long to rest where too much was asked: its windows are of an hour.
const REST: Duration = Duration::from_secs(15 * 60);

/// Access to the Graph API, of a page or of what belongs to one.
pub struct Graph {
    /// `GRAPH`, or where a test stands in for it.
    pub home: String,
    pub token: SecretString,
    /// With the app's secret every call proves that it is the app's.
    pub app_secret: Option<SecretString>,
    pub outbound: Outbound,
}

impl Graph {
    /// `appsecret_proof`: the token signed with the app's secret.
    fn proof(&self) -> Option<String> {
        let secret = self.app_secret.as_ref()?.expose_secret();
        let mut mac = Hmac::<Sha256>::new_from_slice(secret.as_bytes()).ok()?;
        mac.update(self.token.expose_secret().as_bytes());
        let bytes = mac.finalize().into_bytes();
        Some(bytes.iter().map(|byte| format!("{byte:02x}")).collect())
    }

    pub async fn get(&self, path: &str, query: &[(&str, &str)]) -> Result<Value, SendError> {
        let mut request = request(&self.outbound, Method::GET, &format!("{}/{path}", self.home))?
            .bearer_auth(self.token.expose_secret())
            .query(query);
        if let Some(proof) = self.proof() {
            request = request.query(&[("appsecret_proof", proof)]);
        }
        let answer = call(&self.outbound, Step::Before, request).await?;
        understood(Step::Before, &answer)
    }

    pub async fn post(&self, step: Step, path: &str, form: &[(&str, String)]) -> Result<Value, SendError> {
        let mut form: Vec<_> = form.iter().map(|(name, value)| (*name, value.clone())).collect();
        if let Some(proof) = self.proof() {
            form.push(("appsecret_proof", proof));
        }
        let request = request(&self.outbound, Method::POST, &format!("{}/{path}", self.home))?
            .bearer_auth(self.token.expose_secret())
            .form(&form);
        let answer = call(&self.outbound, step, request).await?;
        understood(step, &answer)
    }
}

/// The Graph API's own codes say more than the status
/// (developers.facebook.com/docs/graph-api/guides/error-handling).
fn understood(step: Step, answer: &Reply) -> Result<Value, SendError> {
    let json = answer.json();
    if answer.is_success() && json["error"].is_null() {
        return Ok(json);
    }
    let error = &json["error"];
    let said = error["message"].as_str().unwrap_or_default();
    let reply = format!("{} {said}", answer.status).trim().to_owned();
    Err(match (error["code"].as_i64(), step) {
        (Some(102 | 190 | 467), _) => passing(format!("The account’s access was refused: {reply}"), None),
        (Some(10 | 200..=299), _) => passing(format!("The account may not do this: {reply}"), None),
        (Some(4 | 17 | 32 | 341 | 613 | 80_001..=80_014), _) => passing(reply, Some(REST)),
        // It failed at its own end, or has the same post already: it may be there.
        (Some(1 | 2 | 506), Step::Publishes) => SendError::Ambiguous { reply },
        (Some(1 | 2), Step::Before) => passing(reply, None),
        _ => refusal(step, answer, said, None),
    })
}

/// The page that is posted on.
pub struct Facebook {
    pub graph: Graph,
    pub page: String,
}

impl Facebook {
    async fn photo(&self, step: Step, form: &[(&str, String)]) -> Result<Value, SendError> {
        self.graph
            .post(step, &format!("{}/photos", self.page), form)
            .await
    }

    /// Pictures that are not shown by themselves, for a post with several.
    async fn unpublished(&self, url: &str) -> Result<String, SendError> {
        let form = [("url", url.to_owned()), ("published", "false".into())];
        let json = self.photo(Step::Before, &form).await?;
        let id = json["id"].as_str().map(str::to_owned);
        id.ok_or_else(|| passing("Facebook gave the picture no id.".into(), None))
    }

    async fn publish_one(&self, job: Job<'_>) -> Result<String, SendError> {
        let (post, text) = (job.post, job.post.tracked_text());
        let step = Step::Publishes;
        if let Some(video) = post.videos().next() {
            let form = [("file_url", video.url.clone()), ("description", text)];
            let json = self
                .graph
                .post(step, &format!("{}/videos", self.page), &form)
                .await?;
            return id(&json["id"]);
        }
        if let [photo] = &post.media[..] {
            let json = self
                .photo(step, &[("url", photo.url.clone()), ("caption", text)])
                .await?;
            return id(&json["post_id"]).or_else(|_| id(&json["id"]));
        }
        let mut form = vec![("message".to_owned(), text)];
        for (number, photo) in post.media.iter().enumerate() {
            let photo = self.unpublished(&photo.url).await?;
            let media = json!({ "media_fbid": photo }).to_string();
            form.push((format!("attached_media[{number}]"), media));
        }
        if let Some(link) = post.first_link().filter(|_| post.media.is_empty()) {
            form.push(("link".into(), link.to_owned()));
        }
        let form: Vec<_> = form
            .iter()
            .map(|(name, value)| (name.as_str(), value.clone()))
            .collect();
        let json = self
            .graph
            .post(step, &format!("{}/feed", self.page), &form)
            .await?;
        id(&json["id"])
    }
}

fn id(json: &Value) -> Result<String, SendError> {
    json.as_str().map(str::to_owned).ok_or_else(|| unsaid("Facebook"))
}

impl Publisher for Facebook {
    fn platform(&self) -> Platform {
        Platform::Facebook
    }

    fn publish<'a>(&'a self, job: Job<'a>) -> Answering<'a, Published> {
        Box::pin(async move {
            let id = self.publish_one(job).await?;
            // It is there; where it is seen is only good to know.
            let seen = self.graph.get(&id, &[("fields", "permalink_url")]).await;
            let seen = seen
                .ok()
                .and_then(|json| json["permalink_url"].as_str().map(absolute));
            Ok(Published {
                permalink: seen.or_else(|| Some(format!("https://www.facebook.com/{id}"))),
                id,
            })
        })
    }

    fn find<'a>(&'a self, job: Job<'a>) -> Answering<'a, Option<Published>> {
        Box::pin(async move {
            let fields = [
                ("fields", "id,message,created_time,permalink_url"),
                ("limit", "50"),
            ];
            let json = self
                .graph
                .get(&format!("{}/published_posts", self.page), &fields)
                .await?;
            let own = json["data"].as_array().into_iter().flatten().filter_map(|post| {
                Some(Own {
                    published: Published {
                        id: post["id"].as_str()?.to_owned(),
                        permalink: post["permalink_url"].as_str().map(absolute),
                    },
                    text: post["message"].as_str().unwrap_or_default().to_owned(),
                    at: post["created_time"].as_str().and_then(instant),
                })
            });
            Ok(pick(own, &job.post.tracked_text(), job.post.made_at))
        })
    }

    fn engagement<'a>(&'a self, id: &'a str) -> Answering<'a, Engagement> {
        Box::pin(async move {
            let fields =
                "reactions.summary(total_count).limit(0),comments.summary(total_count).limit(0),shares";
            let json = self.graph.get(id, &[("fields", fields)]).await?;
            Ok(Engagement {
                likes: json["reactions"]["summary"]["total_count"].as_i64(),
                comments: json["comments"]["summary"]["total_count"].as_i64(),
                // It says nothing while there are none.
                shares: Some(json["shares"]["count"].as_i64().unwrap_or_default()),
            })
        })
    }

    fn check(&self) -> Answering<'_, ()> {
        Box::pin(async move {
            let json = self.graph.get(&self.page, &[("fields", "id,name")]).await?;
            match json["id"].as_str() == Some(&self.page) {
                true => Ok(()),
                false => Err(passing("Facebook knows this page by another id.".into(), None)),
            }
        })
    }

    fn place(&self) -> String {
        format!("Facebook page {}", self.page)
    }
}

/// Facebook may leave its own name out.
fn absolute(url: &str) -> String {
    match url.starts_with('/') {
        true => format!("https://www.facebook.com{url}"),
        false => url.to_owned(),
    }
}
