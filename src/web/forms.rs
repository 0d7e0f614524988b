//! Input at the door. A form is read once into text (`Form<T>`), parsed into a domain type that
//! cannot be wrong, and comes back whole with a message beside each field when it was.

use super::AppError;
use actix_web::dev::Payload;
use actix_web::{FromRequest, HttpRequest, web};
use serde::Serialize;
use serde::de::DeserializeOwned;
use std::future::Future;
use std::pin::Pin;

/// What is wrong with one field.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct FieldError {
    pub field: String,
    pub message: String,
}

/// Everything that is wrong with an input, all at once. `field` "" is the input as a whole.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct FormErrors(pub Vec<FieldError>);

impl FormErrors {
    pub fn one(field: &str, message: impl Into<String>) -> Self {
        let mut errors = Self::default();
        errors.add(field, message);
        errors
    }

    pub fn add(&mut self, field: &str, message: impl Into<String>) {
        self.0.push(FieldError {
            field: field.to_owned(),
            message: message.into(),
        });
    }

    /// The message beside a field, for templates.
    pub fn of(&self, field: &str) -> Option<&str> {
        self.0
            .iter()
            .find(|error| error.field == field)
            .map(|error| error.message.as_str())
    }

    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// The value where nothing is wrong, else everything that is.
    pub fn or<T>(self, value: impl FnOnce() -> T) -> Result<T, Self> {
        match self.is_empty() {
            true => Ok(value()),
            false => Err(self),
        }
    }

    /// A required line of text of at most `max` characters, trimmed.
    pub fn text(&mut self, field: &str, value: &str, max: usize) -> String {
        let value = value.trim();
        if value.is_empty() {
            self.add(field, "Fill this in.");
        }
        self.optional(field, value, max)
    }

    /// A line of text of at most `max` characters, trimmed; may be empty. Control characters are
    /// refused: they have no place in a name and could end a header early.
    pub fn optional(&mut self, field: &str, value: &str, max: usize) -> String {
        let value = value.trim();
        let length = value.chars().count();
        if length > max {
            self.add(field, format!("At most {max} characters; this has {length}."));
        } else if value.chars().any(|c| c.is_control()) {
            self.add(
                field,
                "This holds a line break or another control character; remove it.",
            );
        }
        value.to_owned()
    }

    /// Several lines of text of at most `max` characters.
    pub fn lines(&mut self, field: &str, value: &str, max: usize) -> String {
        let length = value.chars().count();
        if length > max {
            self.add(field, format!("At most {max} characters; this has {length}."));
        }
        value.replace("\r\n", "\n")
    }
}

/// A posted form, `application/x-www-form-urlencoded`, repeated keys allowed for lists.
pub struct Form<T>(pub T);

impl<T: DeserializeOwned + 'static> FromRequest for Form<T> {
    type Error = AppError;
    type Future = Pin<Box<dyn Future<Output = Result<Self, AppError>>>>;

    fn from_request(request: &HttpRequest, payload: &mut Payload) -> Self::Future {
        let body = web::Bytes::from_request(request, payload);
        Box::pin(async move {
            let body = body
                .await
                .map_err(|error| AppError::BadRequest(format!("The form could not be read: {error}.")))?;
            read(&body).map(Form)
        })
    }
}

/// Reads a posted form's body, where which form it is depends on something else.
pub fn read<T: DeserializeOwned>(body: &[u8]) -> Result<T, AppError> {
    serde_html_form::from_bytes(body)
        .map_err(|error| AppError::BadRequest(format!("The form could not be read: {error}.")))
}
