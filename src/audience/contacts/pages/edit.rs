//! Making and changing a contact.

use super::person::written;
use crate::accounts::{Manager, Staff};
use crate::audience::contacts::commands;
use crate::audience::contacts::input::{ConsentInput, ContactInput};
use crate::audience::contacts::store;
use crate::context::Context;
use crate::domain::AttributeKind;
use crate::domain::contact::NewContact;
use crate::entity::{attribute_definitions, contacts};
use crate::web::forms::Form;
use crate::web::{AppError, FormErrors, Hx, Result, Section, Shell, html_with, see_other};
use actix_web::HttpResponse;
use actix_web::http::StatusCode;
use actix_web::web::{Data, Path};
use askama::Template;
use serde_json::Value;
use std::collections::BTreeMap;

#[derive(Template)]
#[template(path = "audience/contacts/edit.html")]
struct EditPage {
    shell: Shell,
    /// `None` for a new contact.
    id: Option<i64>,
    form: Fields,
    definitions: Vec<attribute_definitions::Model>,
    errors: FormErrors,
}

impl EditPage {
    fn of(&self, field: &str) -> &str {
        self.form.of(field)
    }

    fn attribute(&self, name: &str) -> &str {
        self.form.of(&format!("attributes.{name}"))
    }

    fn attribute_error(&self, name: &str) -> Option<&str> {
        self.errors.of(&format!("attributes.{name}"))
    }
}

/// The field that says which state of the contact the form was made of.
const SEEN: &str = "seen";

/// A contact's state: it is another after each change.
fn seen(contact: &contacts::Model) -> String {
    contact.updated_at.0.timestamp_millis().to_string()
}

/// The form's fields by name: which there are depends on the club's attributes.
#[derive(Debug, Default, serde::Deserialize)]
#[serde(transparent)]
pub struct Fields(BTreeMap<String, String>);

impl Fields {
    fn of(&self, name: &str) -> &str {
        self.0.get(name).map_or("", String::as_str)
    }

    fn from_contact(contact: &contacts::Model, tags: &[String]) -> Self {
        let text = |value: &Option<String>| value.clone().unwrap_or_default();
        let mut fields = BTreeMap::from([
            ("key".to_owned(), text(&contact.key)),
            ("email".to_owned(), text(&contact.email)),
            ("phone".to_owned(), text(&contact.phone)),
            ("firstName".to_owned(), contact.first_name.clone()),
            ("lastName".to_owned(), contact.last_name.clone()),
            ("timezone".to_owned(), text(&contact.timezone)),
            ("locale".to_owned(), text(&contact.locale)),
            ("tags".to_owned(), tags.join("; ")),
            (SEEN.to_owned(), seen(contact)),
        ]);
        if let Value::Object(values) = &contact.attributes {
            fields.extend(
                values
                    .iter()
                    .map(|(name, value)| (format!("attributes.{name}"), written(value))),
            );
        }
        Self(fields)
    }

    fn parse(&self, definitions: &[attribute_definitions::Model]) -> Result<NewContact, FormErrors> {
        let mut errors = FormErrors::default();
        let given = |name: &str| Some(self.of(name).to_owned()).filter(|text| !text.trim().is_empty());
        let mut attributes = serde_json::Map::new();
        for definition in definitions {
            let field = format!("attributes.{}", definition.name);
            match value(definition.kind, self.of(&field).trim()) {
                Ok(value) => {
                    attributes.insert(definition.name.clone(), value);
                }
                Err(message) => errors.add(&field, message),
            }
        }
        let mut input = ContactInput {
            key: given("key"),
            email: given("email"),
            phone: given("phone"),
            first_name: given("firstName"),
            last_name: given("lastName"),
            timezone: given("timezone"),
            locale: given("locale"),
            tags: Some(self.of("tags").split([';', ',']).map(str::to_owned).collect()),
            attributes,
            ..ContactInput::default()
        };
        if !self.of("consent").is_empty() {
            let consent = ConsentInput {
                status: "SUBSCRIBED".into(),
                source: "staff".into(),
            };
            input.consents.insert("EMAIL".into(), consent);
        }
        match input.parse() {
            Ok(contact) => errors.or(|| contact),
            Err(more) => {
                errors.0.extend(more.0);
                Err(errors)
            }
        }
    }
}

/// What a field's text stands for in an attribute of a kind; empty text removes it.
fn value(kind: AttributeKind, text: &str) -> Result<Value, &'static str> {
    if text.is_empty() {
        return Ok(Value::Null);
    }
    match kind {
        AttributeKind::Text => Ok(text.into()),
        AttributeKind::Number => text
            .replace(',', ".")
            .parse::<f64>()
            .ok()
            .filter(|number| number.is_finite())
            .map(Value::from)
            .ok_or("This is no number."),
        AttributeKind::Date => match crate::domain::contact::kind_of(&text.into()) {
            Some(AttributeKind::Date) => Ok(text.into()),
            _ => Err("Write a date as 2026-02-28."),
        },
        AttributeKind::Boolean => match text {
            "yes" | "true" => Ok(true.into()),
            "no" | "false" => Ok(false.into()),
            _ => Err("Write yes or no."),
        },
    }
}

async fn page(
    cx: &Context,
    staff: &Staff<Manager>,
    id: Option<i64>,
    form: Fields,
    errors: FormErrors,
) -> Result<HttpResponse> {
    let status = match errors.is_empty() {
        true => StatusCode::OK,
        false => StatusCode::UNPROCESSABLE_ENTITY,
    };
    page_with(status, cx, staff, id, form, errors).await
}

async fn page_with(
    status: StatusCode,
    cx: &Context,
    staff: &Staff<Manager>,
    id: Option<i64>,
    form: Fields,
    errors: FormErrors,
) -> Result<HttpResponse> {
    let title = if id.is_some() {
        "Edit contact"
    } else {
        "New contact"
    };
    html_with(
        status,
        &EditPage {
            shell: staff.shell(Section::Contacts, title),
            definitions: store::attributes(&*cx.db).await?,
            id,
            form,
            errors,
        },
    )
}

/// `GET /contacts/new`
pub async fn new_contact(staff: Staff<Manager>, cx: Data<Context>) -> Result<HttpResponse> {
    page(&cx, &staff, None, Fields::default(), FormErrors::default()).await
}

/// `POST /contacts/new`
pub async fn create_contact(
    staff: Staff<Manager>,
    cx: Data<Context>,
    hx: Hx,
    Form(form): Form<Fields>,
) -> Result<HttpResponse> {
    match create(&staff, &cx, &form).await {
        Ok(id) => Ok(see_other(hx, &format!("/contacts/{id}"))),
        Err(AppError::Invalid(errors)) => page(&cx, &staff, None, form, errors).await,
        Err(error) => Err(error),
    }
}

async fn create(staff: &Staff<Manager>, cx: &Context, form: &Fields) -> Result<i64> {
    let new = form.parse(&store::attributes(&*cx.db).await?)?;
    let tx = cx.db.begin().await?;
    for (field, known) in [
        (
            "key",
            match &new.key {
                Some(key) => store::by_key(&*tx, key).await?,
                None => None,
            },
        ),
        (
            "email",
            match &new.email {
                Some(email) => store::by_email(&*tx, email).await?,
                None => None,
            },
        ),
    ] {
        if let Some(known) = known {
            return Err(AppError::invalid(
                field,
                format!("{} has this already.", store::name(&known)),
            ));
        }
    }
    let (contact, _) = commands::upsert(&tx, &new, "staff", false, &staff.actor(), cx.clock.now())
        .await
        .map_err(taken_meanwhile)?;
    tx.commit().await?;
    staff.flash("ok", format!("{} is added.", store::name(&contact)));
    Ok(contact.id)
}

fn taken_meanwhile(error: AppError) -> AppError {
    match commands::is_taken(&error) {
        true => AppError::invalid(
            "",
            "Somebody with this key or e-mail address was added a moment ago. Look for them among the contacts.",
        ),
        false => error,
    }
}

/// `GET /contacts/{id}/edit`
pub async fn get_edit(staff: Staff<Manager>, id: Path<i64>, cx: Data<Context>) -> Result<HttpResponse> {
    let contact = store::find(&*cx.db, *id).await?.ok_or(AppError::NotFound)?;
    let tags = store::tags(&*cx.db, *id).await?;
    page(
        &cx,
        &staff,
        Some(*id),
        Fields::from_contact(&contact, &tags),
        FormErrors::default(),
    )
    .await
}

/// `POST /contacts/{id}/edit`
pub async fn edit_contact(
    staff: Staff<Manager>,
    id: Path<i64>,
    cx: Data<Context>,
    hx: Hx,
    Form(form): Form<Fields>,
) -> Result<HttpResponse> {
    match save(&staff, &cx, *id, &form).await {
        Ok(()) => Ok(see_other(hx, &format!("/contacts/{id}"))),
        Err(AppError::Invalid(errors)) => page(&cx, &staff, Some(*id), form, errors).await,
        Err(AppError::Conflict(message)) => {
            let now = store::find(&*cx.db, *id).await?.ok_or(AppError::NotFound)?;
            let mut form = form;
            form.0.insert(SEEN.to_owned(), seen(&now));
            let errors = FormErrors::one("", message);
            page_with(StatusCode::CONFLICT, &cx, &staff, Some(*id), form, errors).await
        }
        Err(error) => Err(error),
    }
}

async fn save(staff: &Staff<Manager>, cx: &Context, id: i64, form: &Fields) -> Result<()> {
    let new = form.parse(&store::attributes(&*cx.db).await?)?;
    let tx = cx.db.begin().await?;
    let old = store::find_to_change(&tx, id).await?.ok_or(AppError::NotFound)?;
    if !form.of(SEEN).is_empty() && form.of(SEEN) != seen(&old) {
        return Err(AppError::Conflict(format!(
            "{} was changed by somebody else since you opened this form. What you typed is below; look at \
             the person’s page for what they wrote. Saving again keeps yours.",
            store::name(&old)
        )));
    }
    commands::edit(&tx, old, &new, &staff.actor(), cx.clock.now())
        .await
        .map_err(taken_meanwhile)?;
    tx.commit().await?;
    staff.flash("ok", "Saved.");
    Ok(())
}
