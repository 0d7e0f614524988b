//! Putting people into a journey that runs, a person or a segment, and taking one out.

use super::load;
use crate::accounts::{Manager, Staff};
use crate::audience::contacts::store as contacts;
use crate::audience::segments::store as segments;
use crate::campaigns::journey::commands;
use crate::context::Context;
use crate::entity::campaigns;
use crate::web::filters::group;
use crate::web::forms::Form;
use crate::web::{FormErrors, Hx, Result, Section, Shell, html_with, see_other};
use actix_web::http::StatusCode;
use actix_web::{HttpResponse, web};
use askama::Template;
use serde::Deserialize;

#[derive(Template)]
#[template(path = "campaigns/journey/people.html")]
struct PeoplePage {
    shell: Shell,
    campaign: campaigns::Model,
    segments: Vec<(String, String)>,
    form: PeopleForm,
    errors: FormErrors,
}

/// Whom to put in.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
pub struct PeopleForm {
    /// A key, an e-mail address or an id.
    contact: String,
    /// A segment's id.
    segment: String,
}

async fn page(
    cx: &Context,
    staff: &Staff<Manager>,
    campaign: campaigns::Model,
    form: PeopleForm,
    errors: FormErrors,
) -> Result<HttpResponse> {
    let mut list = vec![(String::new(), "Choose a segment".to_owned())];
    let found = segments::list(&*cx.db).await?;
    list.extend(found.into_iter().map(|row| (row.id.to_string(), row.name)));
    let status = match errors.is_empty() {
        true => StatusCode::OK,
        false => StatusCode::UNPROCESSABLE_ENTITY,
    };
    html_with(
        status,
        &PeoplePage {
            shell: staff.shell(Section::Campaigns, &campaign.name),
            campaign,
            segments: list,
            form,
            errors,
        },
    )
}

/// `GET /campaigns/{id}/journey/people`
pub async fn get_people(
    staff: Staff<Manager>,
    id: web::Path<i64>,
    cx: web::Data<Context>,
) -> Result<HttpResponse> {
    let (campaign, _) = load(&cx, *id).await?;
    page(
        &cx,
        &staff,
        campaign,
        PeopleForm::default(),
        FormErrors::default(),
    )
    .await
}

/// `POST /campaigns/{id}/journey/people`
pub async fn put_people_in(
    staff: Staff<Manager>,
    id: web::Path<i64>,
    hx: Hx,
    cx: web::Data<Context>,
    Form(form): Form<PeopleForm>,
) -> Result<HttpResponse> {
    let (campaign, _) = load(&cx, *id).await?;
    let actor = staff.actor();
    if let Ok(segment) = form.segment.parse::<i64>() {
        let number = commands::put_in_segment(&cx, *id, segment, &actor).await?;
        let text = match number {
            0 => "Nobody of the segment came in: they are inside, were before, or opted out.".to_owned(),
            1 => "1 person came in.".to_owned(),
            number => format!("{} people came in.", group(number)),
        };
        staff.flash(if number == 0 { "warn" } else { "ok" }, text);
        return Ok(see_other(hx, &format!("/campaigns/{}/journey", *id)));
    }
    let name = form.contact.trim();
    let refusal = match contacts::by_key_or_id_or_email(&*cx.db, name).await? {
        _ if name.is_empty() => "Name a person, or choose a segment.".to_owned(),
        None => format!("There is nobody “{name}”."),
        Some(contact) => {
            if commands::put_in(&cx, *id, contact.id, &actor).await? {
                staff.flash("ok", format!("{name} came in."));
                return Ok(see_other(hx, &format!("/campaigns/{}/journey", *id)));
            }
            format!("{name} did not come in: they are inside, were before, or opted out.")
        }
    };
    page(&cx, &staff, campaign, form, FormErrors::one("contact", refusal)).await
}

/// `POST /campaigns/{id}/journey/people/{contact}/out`: leads back to the person.
pub async fn take_person_out(
    staff: Staff<Manager>,
    path: web::Path<(i64, i64)>,
    hx: Hx,
    cx: web::Data<Context>,
) -> Result<HttpResponse> {
    let (id, contact) = path.into_inner();
    let (campaign, _) = load(&cx, id).await?;
    match commands::take_out(&cx, id, contact, &staff.actor()).await? {
        true => staff.flash("ok", format!("Taken out of “{}”.", campaign.name)),
        false => staff.flash("warn", "This person is not inside any more.".to_owned()),
    }
    Ok(see_other(hx, &format!("/contacts/{contact}")))
}
