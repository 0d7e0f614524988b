//! `/api/v1/contacts`: the club's people, by the key that the club's own system gives them, or by
//! e-mail address; one by one, or a file of them.

use super::{LARGEST_IMPORT, json, made, parse, read};
use crate::accounts::keys::ApiKey;
use crate::accounts::{Actor, Manager, Viewer};
use crate::audience::contacts::commands;
use crate::audience::contacts::input::ContactInput;
use crate::audience::contacts::store;
use crate::audience::import::{self, Format, Options};
use crate::context::Context;
use crate::domain::ConsentStatus;
use crate::domain::contact::NewContact;
use crate::entity::contacts;
use crate::web::{AppError, Result};
use actix_web::http::StatusCode;
use actix_web::{HttpMessage as _, HttpRequest, HttpResponse, web};
use serde::Deserialize;

/// Where consent comes from when the request does not say.
const SOURCE: &str = "API";

async fn found(cx: &Context, text: &str) -> Result<contacts::Model> {
    let contact = store::by_key_or_id_or_email(&*cx.db, text).await?;
    contact.ok_or(AppError::NotFound)
}

/// `PUT /api/v1/contacts/{key}`: makes the contact, 201, or changes it, 200. What is not named
/// keeps its value.
pub async fn put_contact(
    key: ApiKey<Manager>,
    cx: web::Data<Context>,
    path: web::Path<String>,
    body: web::Bytes,
) -> Result<HttpResponse> {
    let mut input: ContactInput = parse(&body)?;
    name(&cx, &path, &mut input).await?;
    let new = input.parse()?;
    let (contact, is_new) = match put(&cx, &new, &key.actor()).await {
        // Another request made the same person meanwhile: now there is somebody to change.
        Err(error) if commands::is_taken(&error) => put(&cx, &new, &key.actor()).await?,
        done => done?,
    };
    json(made(is_new), &store::json(&*cx.db, &contact).await?)
}

/// Puts the address's own name for the person into the input: their key, else their e-mail
/// address.
async fn name(cx: &Context, path: &str, input: &mut ContactInput) -> Result<()> {
    let is_key = !path.contains('@')
        || input.key.as_deref() == Some(path)
        || store::by_key(&*cx.db, path).await?.is_some();
    let (field, given) = match is_key {
        true => ("key", &mut input.key),
        false => ("email", &mut input.email),
    };
    let is_same = |text: &str| match is_key {
        true => text.trim() == path,
        false => text.trim().eq_ignore_ascii_case(path),
    };
    if given.as_deref().is_some_and(|text| !is_same(text)) {
        return Err(AppError::invalid(
            field,
            "This is not the one in the address of the request.",
        ));
    }
    *given = Some(path.to_owned());
    Ok(())
}

async fn put(cx: &Context, new: &NewContact, actor: &Actor) -> Result<(contacts::Model, bool)> {
    // Who unsubscribed is subscribed again only where it is said on what ground.
    let may_resubscribe = new
        .consents
        .iter()
        .filter(|consent| consent.status == ConsentStatus::Subscribed)
        .all(|consent| !consent.source.is_empty());
    let tx = cx.db.begin().await?;
    let done = commands::upsert(&tx, new, SOURCE, may_resubscribe, actor, cx.clock.now()).await?;
    tx.commit().await?;
    Ok(done)
}

/// `GET /api/v1/contacts/{key}`: by key, e-mail address or id.
pub async fn get_contact(
    _key: ApiKey<Viewer>,
    cx: web::Data<Context>,
    path: web::Path<String>,
) -> Result<HttpResponse> {
    let contact = found(&cx, &path).await?;
    json(StatusCode::OK, &store::json(&*cx.db, &contact).await?)
}

/// `DELETE /api/v1/contacts/{key}`: erases the person; the counts of campaigns stay true.
pub async fn delete_contact(
    key: ApiKey<Manager>,
    cx: web::Data<Context>,
    path: web::Path<String>,
) -> Result<HttpResponse> {
    let contact = found(&cx, &path).await?;
    let tx = cx.db.begin().await?;
    commands::erase(&tx, contact, &key.actor(), cx.clock.now()).await?;
    tx.commit().await?;
    Ok(HttpResponse::NoContent().finish())
}

/// How a file is to be read.
#[derive(Default, Deserialize)]
#[serde(default)]
pub struct ImportQuery {
    /// Where consent in the file comes from.
    source: String,
    /// Of telephone numbers without a country: an ISO 3166 code.
    country: String,
    /// Whether the file may subscribe again someone who unsubscribed.
    resubscribe: bool,
    /// Put on everybody in the file.
    tag: String,
}

/// `POST /api/v1/contacts/import`: CSV, or a contact as JSON on each line. Lines that cannot be
/// accepted are named in the report; the others are applied together.
pub async fn import_contacts(
    key: ApiKey<Manager>,
    cx: web::Data<Context>,
    request: HttpRequest,
    query: web::Query<ImportQuery>,
    mut payload: web::Payload,
) -> Result<HttpResponse> {
    let format = match request.content_type() {
        "text/csv" => Format::Csv,
        "application/x-ndjson" | "application/jsonl" => Format::Ndjson,
        _ => {
            return Err(AppError::BadRequest(
                "Say what the file is: Content-Type text/csv or application/x-ndjson.".into(),
            ));
        }
    };
    let options = Options::parse(&query.source, query.resubscribe, &query.country, &query.tag)?;
    let bytes = read(&mut payload, LARGEST_IMPORT).await?;
    let outcome = import::run(&cx, bytes.to_vec(), format, options, &key.actor()).await?;
    json(StatusCode::OK, &outcome)
}
