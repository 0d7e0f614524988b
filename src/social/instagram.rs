//! Instagram: content publishing by the Graph API
//! (developers.facebook.com/docs/instagram-platform/content-publishing): a container is made for
//! what is posted, asked about until it is ready, and then published.

use super::facebook::Graph;
use super::talk::{Own, Step, instant, passing, pick, unsaid};
use super::{Answering, Job, Published, Publisher};
use crate::domain::Platform;
use crate::messaging::post::Media;
use crate::messaging::{Engagement, SendError};
use std::time::Duration;

/// How often a container is asked about: with the usual rest, five minutes.
const ASKS: u32 = 60;

/// A professional account, through the page that it belongs to.
pub struct Instagram {
    pub graph: Graph,
    /// The account's id in the Graph API.
    pub user: String,
    /// Between two questions whether a container is ready.
    pub rest: Duration,
}

impl Instagram {
    async fn container(&self, form: &[(&str, String)]) -> Result<String, SendError> {
        let json = self
            .graph
            .post(Step::Before, &format!("{}/media", self.user), form)
            .await?;
        let id = json["id"].as_str().map(str::to_owned);
        let id = id.ok_or_else(|| passing("Instagram gave the container no id.".into(), None))?;
        self.wait_for(&id).await?;
        Ok(id)
    }

    /// Until it is ready. One that fails can be made again.
    async fn wait_for(&self, container: &str) -> Result<(), SendError> {
        for _ in 0..ASKS {
            let json = self
                .graph
                .get(container, &[("fields", "status_code,status")])
                .await?;
            match json["status_code"].as_str() {
                Some("FINISHED") => return Ok(()),
                Some("ERROR") => {
                    let why = json["status"].as_str().unwrap_or("it does not say why");
                    let reply = format!("Instagram cannot use the picture or film: {why}");
                    return Err(SendError::Permanent { reply });
                }
                Some("EXPIRED") => return Err(passing("The container expired.".into(), None)),
                _ => tokio::time::sleep(self.rest).await,
            }
        }
        Err(passing(
            "Instagram is still working on the picture or film.".into(),
            None,
        ))
    }

    async fn prepare(&self, job: Job<'_>) -> Result<String, SendError> {
        let caption = job.post.tracked_text();
        match &job.post.media[..] {
            [] => Err(SendError::Permanent {
                reply: "Instagram posts nothing without a picture or film.".into(),
            }),
            [one] if one.kind().is_video() => {
                let form = [
                    ("media_type", "REELS".to_owned()),
                    ("video_url", one.url.clone()),
                    ("caption", caption),
                ];
                self.container(&form).await
            }
            [one] => {
                let form = [("image_url", one.url.clone()), ("caption", caption)];
                self.container(&form).await
            }
            several => {
                let mut children = Vec::new();
                for one in several {
                    children.push(self.child(one).await?);
                }
                let form = [
                    ("media_type", "CAROUSEL".to_owned()),
                    ("children", children.join(",")),
                    ("caption", caption),
                ];
                self.container(&form).await
            }
        }
    }

    async fn child(&self, media: &Media) -> Result<String, SendError> {
        let mut form = vec![("is_carousel_item", "true".to_owned())];
        match media.kind().is_video() {
            true => {
                form.push(("media_type", "VIDEO".to_owned()));
                form.push(("video_url", media.url.clone()));
            }
            false => form.push(("image_url", media.url.clone())),
        }
        self.container(&form).await
    }
}

impl Publisher for Instagram {
    fn platform(&self) -> Platform {
        Platform::Instagram
    }

    fn publish<'a>(&'a self, job: Job<'a>) -> Answering<'a, Published> {
        Box::pin(async move {
            let container = self.prepare(job).await?;
            let path = format!("{}/media_publish", self.user);
            let json = self
                .graph
                .post(Step::Publishes, &path, &[("creation_id", container)])
                .await?;
            let id = json["id"].as_str().ok_or_else(|| unsaid("Instagram"))?.to_owned();
            // It is there; where it is seen is only good to know.
            let seen = self.graph.get(&id, &[("fields", "permalink")]).await;
            Ok(Published {
                permalink: seen
                    .ok()
                    .and_then(|json| Some(json["permalink"].as_str()?.to_owned())),
                id,
            })
        })
    }

    fn find<'a>(&'a self, job: Job<'a>) -> Answering<'a, Option<Published>> {
        Box::pin(async move {
            let fields = [("fields", "id,caption,permalink,timestamp"), ("limit", "25")];
            let json = self.graph.get(&format!("{}/media", self.user), &fields).await?;
            let own = json["data"].as_array().into_iter().flatten().filter_map(|media| {
                Some(Own {
                    published: Published {
                        id: media["id"].as_str()?.to_owned(),
                        permalink: media["permalink"].as_str().map(str::to_owned),
                    },
                    text: media["caption"].as_str().unwrap_or_default().to_owned(),
                    at: media["timestamp"].as_str().and_then(instant),
                })
            });
            Ok(pick(own, &job.post.tracked_text(), job.post.made_at))
        })
    }

    fn engagement<'a>(&'a self, id: &'a str) -> Answering<'a, Engagement> {
        Box::pin(async move {
            let json = self
                .graph
                .get(id, &[("fields", "like_count,comments_count")])
                .await?;
            Ok(Engagement {
                likes: json["like_count"].as_i64(),
                comments: json["comments_count"].as_i64(),
                // Its insights alone tell, which need a permission of their own.
                shares: None,
            })
        })
    }

    fn check(&self) -> Answering<'_, ()> {
        Box::pin(async move {
            let json = self.graph.get(&self.user, &[("fields", "id,username")]).await?;
            match json["id"].as_str() == Some(&self.user) {
                true => Ok(()),
                false => Err(passing(
                    "Instagram knows this account by another id.".into(),
                    None,
                )),
            }
        })
    }

    fn place(&self) -> String {
        format!("Instagram account {}", self.user)
    }
}
