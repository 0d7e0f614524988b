//! The form of a provider: its kind's fields, whatever they are.

use super::kinds::{Field, Kind, Values};
use super::live::hook_word;
use super::sealed::Secrets;
use crate::context::Context;
use crate::messaging::Adapter;
use crate::web::FormErrors;
use std::collections::BTreeMap;
use std::sync::Arc;

/// The longest name of a provider, in characters.
pub const LONGEST_NAME: usize = 80;

/// A form as it was posted.
pub type Typed = BTreeMap<String, String>;

/// What is kept of a provider already.
#[derive(Clone, Default)]
pub struct Before {
    pub settings: Values,
    /// `None` where they cannot be opened.
    pub secrets: Option<Secrets>,
}

/// A provider as the form says it, checked.
pub struct NewProvider {
    pub name: String,
    pub settings: BTreeMap<String, String>,
    pub secrets: Secrets,
    pub adapter: Arc<dyn Adapter>,
}

fn typed<'a>(form: &'a Typed, field: &str) -> &'a str {
    form.get(field).map(|text| text.trim()).unwrap_or_default()
}

/// Reads a form. `key` is the provider's, where it has one.
pub fn read(
    kind: &Kind,
    form: &Typed,
    before: &Before,
    key: &str,
    cx: &Context,
) -> Result<NewProvider, FormErrors> {
    let mut errors = FormErrors::default();
    let name = errors.text("name", typed(form, "name"), LONGEST_NAME);
    let (mut settings, mut secrets) = (BTreeMap::new(), Secrets::new());
    for field in kind.fields().filter(|field| !field.is_secret) {
        let value = value(&mut errors, field, form);
        settings.insert(field.name.to_owned(), value);
    }
    let leads = kind.fields().filter(|field| field.leads);
    let is_elsewhere = leads
        .map(|field| {
            (
                field,
                settings.get(field.name).map(String::as_str).unwrap_or_default(),
            )
        })
        .any(|(field, now)| before.settings.get(field.name) != now);
    for field in kind.fields().filter(|field| field.is_secret) {
        let kept = before.secrets.as_ref().and_then(|kept| kept.get(field.name));
        let value = match (typed(form, field.name), kept) {
            ("", Some(_)) if is_elsewhere => {
                errors.add(
                    field.name,
                    "Enter it again: what it is sent to has changed, and a kept secret goes nowhere else.",
                );
                continue;
            }
            ("", Some(kept)) => kept.clone(),
            _ => value(&mut errors, field, form),
        };
        if !value.is_empty() {
            secrets.insert(field.name.to_owned(), value);
        }
    }
    let mut values: Values = settings.clone().into_iter().chain(secrets.clone()).collect();
    values.set("key", key);
    values.set("hook_word", hook_word(cx, key));
    // What the kind says of a field that is wrong already would only repeat it.
    let adapter = match (kind.build)(&values, cx) {
        Ok(adapter) => Some(adapter),
        Err(more) => {
            for error in more.0 {
                if errors.of(&error.field).is_none() {
                    errors.add(&error.field, error.message);
                }
            }
            None
        }
    };
    match (adapter, errors) {
        (Some(adapter), errors) if errors.is_empty() => Ok(NewProvider {
            name,
            settings,
            secrets,
            adapter,
        }),
        (_, errors) => Err(errors),
    }
}

/// A field's value, or what is wrong with it.
fn value(errors: &mut FormErrors, field: &Field, form: &Typed) -> String {
    let text = typed(form, field.name);
    if text.is_empty() && field.is_required {
        errors.add(field.name, "Fill this in.");
        return String::new();
    }
    if !field.options.is_empty() {
        if !field.options.iter().any(|(value, _)| *value == text) {
            errors.add(field.name, "Choose one of these.");
        }
        return text.to_owned();
    }
    match field.rows {
        0 => errors.optional(field.name, text, field.max),
        _ => errors.lines(field.name, text, field.max),
    }
}
