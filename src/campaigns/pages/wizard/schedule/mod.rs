//! Step 4: when. Each type of campaign has its own form here; what counts as success and what
//! happens in doubt is asked of all, by `OutcomeForm` and the macro in `schedule/outcome.html`.

mod feed;
mod once;
mod recurring;
mod triggered;

pub use feed::look_at_feed;
pub use once::get_when;
pub use recurring::get_next_times;

use super::{Again, Frame, How, Outcome, Posted, Step, gone_on, load, save};
use crate::accounts::{Manager, Staff};
use crate::campaigns::draft::Changes;
use crate::campaigns::forms::OutcomeForm;
use crate::context::Context;
use crate::domain::CampaignType;
use crate::entity::campaigns;
use crate::web::{FormErrors, Hx, Result};
use actix_web::{HttpResponse, web};

/// Who asks for the step of which campaign.
struct Asked<'a> {
    cx: &'a Context,
    staff: &'a Staff<Manager>,
    campaign: &'a campaigns::Model,
    hx: Hx,
    how: How,
}

impl Asked<'_> {
    /// A form on its way in, filled in on this revision.
    const fn posted(&self, revision: i64) -> Posted {
        Posted {
            hx: self.hx,
            how: self.how,
            step: Step::Schedule,
            revision,
        }
    }

    /// Saves what a form that was filled in on this revision changes.
    async fn save(&self, revision: i64, parsed: std::result::Result<Changes, FormErrors>) -> Result<Outcome> {
        save(self.cx, self.staff, self.posted(revision), self.campaign, parsed).await
    }
}

impl OutcomeForm {
    /// As it comes back: saving once more overwrites what was seen now.
    fn again(mut self, again: &Again) -> Self {
        self.revision = again.revision.unwrap_or(self.revision);
        self
    }
}

/// `GET /campaigns/{id}/schedule`
pub async fn get_schedule(
    staff: Staff<Manager>,
    id: web::Path<i64>,
    hx: Hx,
    cx: web::Data<Context>,
) -> Result<HttpResponse> {
    let campaign = load(&cx, *id).await?;
    if let Some(elsewhere) = gone_on(&staff, &campaign) {
        return Ok(elsewhere);
    }
    let asked = Asked {
        cx: &cx,
        staff: &staff,
        campaign: &campaign,
        hx,
        how: How::default(),
    };
    match campaign.kind {
        CampaignType::Recurring => recurring::show(&asked).await,
        CampaignType::Triggered => triggered::show(&asked).await,
        CampaignType::OneTime | CampaignType::Journey => once::show(&asked).await,
    }
}

/// `POST /campaigns/{id}/schedule`
pub async fn save_schedule(
    staff: Staff<Manager>,
    id: web::Path<i64>,
    hx: Hx,
    how: web::Query<How>,
    cx: web::Data<Context>,
    body: web::Bytes,
) -> Result<HttpResponse> {
    let campaign = load(&cx, *id).await?;
    let asked = Asked {
        cx: &cx,
        staff: &staff,
        campaign: &campaign,
        hx,
        how: *how,
    };
    match campaign.kind {
        CampaignType::Recurring => recurring::keep(&asked, &body).await,
        CampaignType::Triggered => triggered::keep(&asked, &body).await,
        CampaignType::OneTime | CampaignType::Journey => once::keep(&asked, &body).await,
    }
}
