//! What is posted, on the content step: the fields, and each platform's post as it would look, with
//! its length as that platform counts it.

use super::load;
use crate::accounts::{Club, Manager, Staff};
use crate::campaigns::channels::Words;
use crate::campaigns::draft::Content;
use crate::campaigns::forms::SocialForm;
use crate::campaigns::social::{self, Target};
use crate::context::Context;
use crate::domain::social::{Draft, Kind, Measure, Problem, check_media, measure};
use crate::domain::{Channel, Platform};
use crate::entity::campaigns;
use crate::social::media::{self, Looked};
use crate::web::forms::Form;
use crate::web::{Result, html};
use actix_web::{HttpResponse, web};
use askama::Template;
use std::collections::BTreeMap;

/// The posts by themselves, for what was just typed.
#[derive(Template)]
#[template(path = "campaigns/wizard/_posts.html")]
pub struct PostsPart {
    posts: Vec<Preview>,
}

/// One platform's post.
struct Preview {
    platform: Platform,
    /// The accounts it goes out under.
    accounts: Vec<Target>,
    club: String,
    text: String,
    measure: Measure,
    media: Vec<Shown>,
    problems: Vec<Problem>,
}

/// A picture or film, as far as its address tells.
pub struct Shown {
    pub url: String,
    pub is_video: bool,
}

impl Preview {
    fn is_captured(&self) -> bool {
        self.accounts.iter().all(Target::is_captured)
    }

    fn names(&self) -> String {
        let names: Vec<_> = self.accounts.iter().map(|target| target.name.as_str()).collect();
        names.join(", ")
    }
}

impl PostsPart {
    pub async fn load(cx: &Context, club: &Club, campaign: &campaigns::Model, draft: &Draft) -> Result<Self> {
        let platforms = social::platforms(&Words::of(campaign), draft);
        let targets = social::targets(&*cx.db, &platforms).await?;
        let posts = platforms.into_iter().map(|platform| {
            let (text, problems) = social::written(draft, platform, club, campaign);
            Preview {
                platform,
                accounts: targets
                    .iter()
                    .filter(|target| target.platform == platform)
                    .cloned()
                    .collect(),
                club: club.name.clone(),
                measure: measure(platform, &text),
                text,
                media: draft.media.iter().map(|url| shown(url)).collect(),
                problems,
            }
        });
        Ok(Self {
            posts: posts.collect(),
        })
    }
}

fn shown(url: &str) -> Shown {
    Shown {
        url: url.to_owned(),
        is_video: Kind::of(url).is_video(),
    }
}

/// The fields with their preview.
pub struct SocialPart {
    pub form: SocialForm,
    pub preview: PostsPart,
}

impl SocialPart {
    pub fn form(campaign: &campaigns::Model, contents: &BTreeMap<Channel, Content>) -> SocialForm {
        let draft = social::draft(contents).unwrap_or_default();
        SocialForm::of(contents, &social::platforms(&Words::of(campaign), &draft))
    }

    pub async fn load(
        cx: &Context,
        club: &Club,
        campaign: &campaigns::Model,
        form: SocialForm,
    ) -> Result<Self> {
        let preview = PostsPart::load(cx, club, campaign, &form.draft()).await?;
        Ok(Self { form, preview })
    }

    pub fn platforms(&self) -> &'static [Platform] {
        Platform::ALL
    }

    /// `280 characters, 4 pictures`.
    pub fn hint(&self, platform: &Platform) -> String {
        let limits = platform.limits();
        let text = crate::web::filters::group(i64::try_from(limits.text).unwrap_or(i64::MAX));
        let need = match limits.needs_media {
            true => " Needs a picture or film.",
            false => "",
        };
        format!("{text} characters, {} pictures.{need}", limits.images)
    }
}

/// `POST /campaigns/{id}/content/posts`: how what was typed would look. Keeps nothing.
pub async fn preview_posts(
    staff: Staff<Manager>,
    id: web::Path<i64>,
    cx: web::Data<Context>,
    Form(form): Form<SocialForm>,
) -> Result<HttpResponse> {
    let campaign = load(&cx, *id).await?;
    html(&PostsPart::load(&cx, &staff.club, &campaign, &form.draft()).await?)
}

/// Pictures that are looked at: more are in no post.
const MOST_LOOKED_AT: usize = 20;
/// The most that is fetched of one.
const LARGEST: usize = 16_000_000;

/// What was found at the media's addresses, where something is to say.
#[derive(Template)]
#[template(path = "campaigns/wizard/_looked.html")]
struct LookedPart {
    looked: Vec<Found>,
}

struct Found {
    url: String,
    sentences: Vec<String>,
}

impl Found {
    /// The last part of the address.
    fn name(&self) -> &str {
        let path = self.url.split(['?', '#']).next().unwrap_or_default();
        path.rsplit('/')
            .next()
            .filter(|name| !name.is_empty())
            .unwrap_or(&self.url)
    }
}

/// `POST /campaigns/{id}/content/media`: looks at the media, which must be on the web when they are
/// posted, and says what the chosen platforms do not take.
pub async fn look_at_media(
    _staff: Staff<Manager>,
    id: web::Path<i64>,
    cx: web::Data<Context>,
    Form(form): Form<SocialForm>,
) -> Result<HttpResponse> {
    let campaign = load(&cx, *id).await?;
    let draft = form.draft();
    let platforms = social::platforms(&Words::of(&campaign), &draft);
    // A film is large, and its address alone says enough.
    let pictures = draft.media.iter().filter(|url| !Kind::of(url).is_video());
    let looks = pictures
        .take(MOST_LOOKED_AT)
        .map(|url| look_at(&cx, &platforms, url));
    let looked = futures_util::future::join_all(looks).await;
    html(&LookedPart {
        looked: looked
            .into_iter()
            .filter(|found| !found.sentences.is_empty())
            .collect(),
    })
}

async fn look_at(cx: &Context, platforms: &[Platform], url: &str) -> Found {
    let checked = |bytes, mime| {
        platforms
            .iter()
            .filter_map(|platform| check_media(*platform, bytes, mime))
            .collect()
    };
    let sentences = match media::look(&cx.outbound, url, LARGEST).await {
        Looked::There(bytes, mime) => checked(bytes, mime),
        Looked::TooLarge(most) => checked(most + 1, "image/jpeg"),
        Looked::Trouble(why) => vec![format!("It cannot be seen at present: {why}.")],
    };
    Found {
        url: url.to_owned(),
        sentences,
    }
}
