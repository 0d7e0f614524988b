//! A dry run: one person walked through on paper, with times.

use super::load;
use crate::accounts::{Staff, Viewer};
use crate::audience::contacts::store as contacts;
use crate::campaigns::checklist::zone;
use crate::campaigns::journey::dry_run::{self, Assumed, Stop};
use crate::context::Context;
use crate::entity::campaigns;
use crate::web::filters;
use crate::web::{FormErrors, Result, Section, Shell, html};
use actix_web::{HttpResponse, web};
use askama::Template;
use chrono_tz::Tz;
use serde::Deserialize;

/// Who walks, and what is assumed.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
pub struct Asked {
    contact: String,
    opens: bool,
    comes: bool,
}

#[derive(Template)]
#[template(path = "campaigns/journey/dry.html")]
struct DryPage {
    shell: Shell,
    campaign: campaigns::Model,
    asked: Asked,
    errors: FormErrors,
    /// The person's name, and the walk.
    walked: Option<(String, Vec<Stop>)>,
    zone: Tz,
}

/// `GET /campaigns/{id}/journey/try?contact=&opens=&comes=`
pub async fn get_dry_run(
    staff: Staff<Viewer>,
    id: web::Path<i64>,
    asked: web::Query<Asked>,
    cx: web::Data<Context>,
) -> Result<HttpResponse> {
    let (campaign, journey) = load(&cx, *id).await?;
    let asked = asked.into_inner();
    let mut errors = FormErrors::default();
    let mut walked = None;
    let name = asked.contact.trim();
    if !name.is_empty() {
        match contacts::by_key_or_id_or_email(&*cx.db, name).await? {
            Some(contact) => {
                let assumed = Assumed {
                    opens: asked.opens,
                    comes: asked.comes,
                };
                let now = cx.clock.now();
                let stops = dry_run::walk(&*cx.db, &campaign, &journey, contact.id, assumed, now).await?;
                let full = format!("{} {}", contact.first_name, contact.last_name);
                let called = match full.trim() {
                    "" => contact
                        .email
                        .or(contact.key)
                        .unwrap_or_else(|| contact.id.to_string()),
                    full => full.to_owned(),
                };
                walked = Some((called, stops));
            }
            None => errors.add("contact", format!("There is nobody “{name}”.")),
        }
    }
    html(&DryPage {
        shell: staff.shell(Section::Campaigns, &campaign.name),
        zone: zone(&campaign),
        campaign,
        asked,
        errors,
        walked,
    })
}
