//! Step 2: the segment, with the number of people that it reaches, and why not the others.

use super::{Again, Frame, How, Outcome, Posted, Step, gone_on, load, save};
use crate::accounts::{Club, Manager, Staff};
use crate::audience::reach::{self, Reach};
use crate::audience::segments;
use crate::campaigns::channels::Words;
use crate::campaigns::checklist::zone;
use crate::campaigns::forms::AudienceForm;
use crate::campaigns::{social, store};
use crate::context::Context;
use crate::domain::{CampaignType, Channel, Purpose};
use crate::entity::{campaigns, segments as segment};
use crate::web::filters;
use crate::web::forms::Form;
use crate::web::{FormErrors, Hx, Result, Section, Shell, html, html_with};
use actix_web::{HttpResponse, web};
use askama::Template;
use serde::Deserialize;

#[derive(Template)]
#[template(path = "campaigns/wizard/audience.html")]
struct AudiencePage {
    shell: Shell,
    frame: Frame,
    form: AudienceForm,
    errors: FormErrors,
    segments: Vec<segment::Model>,
    reached: Option<Reached>,
}

impl AudiencePage {
    fn is_repeated(&self) -> bool {
        let campaign = self.frame.campaign.as_ref();
        campaign.is_some_and(|campaign| campaign.kind == CampaignType::Recurring)
    }

    /// Whether it posts and writes to nobody.
    fn only_posts(&self) -> bool {
        self.frame.campaign.as_ref().is_some_and(social::only_posts)
    }

    fn is_chosen(&self, segment: &segment::Model) -> bool {
        self.form.segment == segment.id.to_string()
    }
}

/// A segment and whom of it the campaign reaches.
struct Reached {
    segment: segment::Model,
    /// Why it cannot be counted, in a sentence.
    broken: Option<String>,
    reach: Reach,
    /// How many of those had as much as the club allows, by now, and what that is.
    capped: Option<(i64, String)>,
}

/// The reach by itself, for the choice that was just made.
#[derive(Template)]
#[template(path = "campaigns/wizard/_reach.html")]
struct ReachPart {
    reached: Option<Reached>,
}

async fn reached(cx: &Context, campaign: &campaigns::Model, segment: &str) -> Result<Option<Reached>> {
    let Some(segment) = store::segment(&*cx.db, segment.parse().ok()).await? else {
        return Ok(None);
    };
    let mut channels = Words::of(campaign).personal();
    if channels.is_empty() && !social::only_posts(campaign) {
        channels.push(Channel::Email);
    }
    let broken = segments::fault_of(&segment);
    let reach = match broken {
        Some(_) => Reach {
            total: 0,
            channels: Vec::new(),
        },
        None => {
            reach::of(
                &*cx.db,
                &segment,
                &channels,
                campaign.purpose,
                campaign.topic_id,
                cx.clock.now(),
                zone(campaign),
            )
            .await?
        }
    };
    let capped = match broken {
        Some(_) => None,
        None => capped(cx, campaign, &segment).await?,
    };
    Ok(Some(Reached {
        capped,
        segment,
        broken: broken.map(|error| error.errors.to_string()),
        reach,
    }))
}

/// An estimate: until it is sent, other campaigns may be.
async fn capped(
    cx: &Context,
    campaign: &campaigns::Model,
    segment: &segment::Model,
) -> Result<Option<(i64, String)>> {
    let manners = Club::load(&*cx.db).await?.sending;
    let is_capped = campaign.purpose == Purpose::Marketing && !campaign.ignores_cap;
    let Some(cap) = manners.cap(Channel::Email).filter(|_| is_capped) else {
        return Ok(None);
    };
    let now = cx.clock.now();
    let at = campaign.scheduled_at.map_or(now, |at| at.0.max(now));
    let topic = campaign.topic_id;
    let number = reach::capped(
        &*cx.db,
        segment,
        Channel::Email,
        topic,
        now,
        zone(campaign),
        cap,
        at,
    )
    .await?;
    Ok((number > 0).then(|| (number, cap.words())))
}

async fn page(
    cx: &Context,
    staff: &Staff<Manager>,
    campaign: &campaigns::Model,
    mut form: AudienceForm,
    again: Again,
) -> Result<HttpResponse> {
    let mut segments = segments::store::list(&*cx.db).await?;
    // One that was archived since stays the choice until another is made.
    let chosen = store::segment(&*cx.db, form.segment.parse().ok()).await?;
    if let Some(chosen) = chosen
        && !segments.iter().any(|segment| segment.id == chosen.id)
    {
        segments.push(chosen);
    }
    form.revision = again.revision.unwrap_or(form.revision);
    html_with(
        again.status(),
        &AudiencePage {
            shell: staff.shell(Section::Campaigns, &campaign.name),
            frame: Frame::load(cx, Some(campaign), Step::Audience, &again).await?,
            reached: reached(cx, campaign, &form.segment).await?,
            errors: again.errors,
            form,
            segments,
        },
    )
}

/// `GET /campaigns/{id}/audience`
pub async fn get_audience(
    staff: Staff<Manager>,
    id: web::Path<i64>,
    cx: web::Data<Context>,
) -> Result<HttpResponse> {
    let campaign = load(&cx, *id).await?;
    if let Some(elsewhere) = gone_on(&staff, &campaign) {
        return Ok(elsewhere);
    }
    page(
        &cx,
        &staff,
        &campaign,
        AudienceForm::of(&campaign),
        Again::default(),
    )
    .await
}

/// `POST /campaigns/{id}/audience`
pub async fn save_audience(
    staff: Staff<Manager>,
    id: web::Path<i64>,
    hx: Hx,
    how: web::Query<How>,
    cx: web::Data<Context>,
    Form(form): Form<AudienceForm>,
) -> Result<HttpResponse> {
    let campaign = load(&cx, *id).await?;
    let parsed = form.parse(&*cx.db, &campaign).await?;
    let posted = Posted {
        hx,
        how: *how,
        step: Step::Audience,
        revision: form.revision,
    };
    match save(&cx, &staff, posted, &campaign, parsed).await? {
        Outcome::Answer(answer) => Ok(answer),
        Outcome::Again(again) => page(&cx, &staff, &campaign, form, again).await,
    }
}

#[derive(Debug, Default, Deserialize)]
pub struct Choice {
    #[serde(rename = "segmentId", default)]
    segment: String,
}

/// `GET /campaigns/{id}/reach?segmentId=`: whom a choice would reach.
pub async fn get_reach(
    _staff: Staff<Manager>,
    id: web::Path<i64>,
    choice: web::Query<Choice>,
    cx: web::Data<Context>,
) -> Result<HttpResponse> {
    let campaign = load(&cx, *id).await?;
    html(&ReachPart {
        reached: reached(&cx, &campaign, &choice.segment).await?,
    })
}
