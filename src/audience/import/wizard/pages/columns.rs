//! The columns of an uploaded file, and what each may hold.

use super::super::csv_file::name_of;
use crate::domain::contact::attribute_name;
use crate::entity::{attribute_definitions, import_rows, imports};
use crate::web::Result;
use std::collections::HashSet;

/// Fields with a meaning of their own; any other column is an attribute.
const FIELDS: &[(&str, &str)] = &[
    ("", "Leave out"),
    ("key", "Key: the member’s number"),
    ("email", "E-mail"),
    ("phone", "Phone"),
    ("first_name", "First name"),
    ("last_name", "Last name"),
    ("timezone", "Time zone"),
    ("locale", "Language"),
    ("tags", "Tags"),
    ("consent_email", "Consent to e-mail"),
    ("consent_sms", "Consent to SMS"),
    ("consent_push", "Consent to push"),
    ("consent_whatsapp", "Consent to WhatsApp"),
];

/// How much of a field is shown, in characters.
const LONGEST_SAMPLE: usize = 60;

/// A column of the file, and what it may hold.
pub(super) struct Column {
    pub header: String,
    pub chosen: String,
    pub options: Vec<(String, String)>,
    pub samples: Vec<String>,
}

/// Every column with its samples; `typed` is what was chosen, else it is guessed.
pub(super) fn of(
    import: &imports::Model,
    first: &[import_rows::Model],
    known: &[attribute_definitions::Model],
    typed: &[String],
) -> Result<Vec<Column>> {
    let headers: Vec<String> = serde_json::from_value(import.columns.clone()).map_err(anyhow::Error::from)?;
    let rows = first
        .iter()
        .map(|row| serde_json::from_str(&row.raw))
        .collect::<std::result::Result<Vec<Vec<String>>, _>>()
        .map_err(anyhow::Error::from)?;
    let mut common: Vec<_> = FIELDS
        .iter()
        .map(|(field, label)| ((*field).to_owned(), (*label).to_owned()))
        .collect();
    common.extend(known.iter().map(|row| (row.name.clone(), row.label.clone())));
    let mut taken = HashSet::new();
    Ok(headers
        .into_iter()
        .enumerate()
        .map(|(place, header)| {
            let mut guess = guess(&header);
            // A file has one column of each; of two that look alike the first is taken.
            if !taken.insert(guess.clone()) {
                guess = attribute(&plain(&header));
                if !taken.insert(guess.clone()) {
                    guess.clear();
                }
            }
            let mut options = common.clone();
            if common.iter().all(|(field, _)| *field != guess) {
                options.push((guess.clone(), format!("New attribute {guess}")));
            }
            Column {
                chosen: typed.get(place).cloned().unwrap_or(guess),
                options,
                samples: rows.iter().filter_map(|row| sample(row, place)).collect(),
                header,
            }
        })
        .collect())
}

/// The beginning of a field that is not empty.
fn sample(row: &[String], place: usize) -> Option<String> {
    let field = row
        .get(place)
        .map(|field| field.trim())
        .filter(|field| !field.is_empty())?;
    Some(match field.char_indices().nth(LONGEST_SAMPLE) {
        Some((end, _)) => format!("{}…", &field[..end]),
        None => field.to_owned(),
    })
}

/// A header in the letters of a name: `Height (cm)` is `height_cm`.
fn plain(header: &str) -> String {
    let name = name_of(header);
    let words: Vec<_> = name.split('_').filter(|word| !word.is_empty()).collect();
    words.join("_")
}

/// What a column most likely holds, by the names that clubs give; "" where its header makes no name.
fn guess(header: &str) -> String {
    let name = plain(header);
    let field = match name.as_str() {
        "e_mail" | "mail" | "email_address" | "e_mail_address" => "email",
        "mobile" | "cell" | "telephone" | "phone_number" | "mobile_number" | "cell_number" => "phone",
        "firstname" | "given_name" | "forename" => "first_name",
        "lastname" | "surname" | "family_name" => "last_name",
        "id" | "member_no" | "member_number" | "member_id" | "membership_no" | "membership_number" => "key",
        "consent" | "consent_e_mail" | "e_mail_consent" | "email_consent" | "consent_to_e_mail"
        | "consent_to_email" | "newsletter" | "marketing" | "opt_in" | "subscribed" => "consent_email",
        "consent_to_sms" | "sms_consent" => "consent_sms",
        other => return attribute(other),
    };
    field.into()
}

/// The attribute of a plain header: one that begins with a digit is given a letter.
fn attribute(name: &str) -> String {
    match (attribute_name(name), attribute_name(&format!("no_{name}"))) {
        _ if name.is_empty() => String::new(),
        (Ok(()), _) => name.to_owned(),
        (_, Ok(())) => format!("no_{name}"),
        _ => String::new(),
    }
}

#[cfg(test)]
mod tests {
    use super::guess;

    #[test]
    fn a_header_is_guessed_as_clubs_write_it() {
        for (header, field) in [
            ("E-Mail address", "email"),
            ("Cell", "phone"),
            ("Surname", "last_name"),
            ("Member no.", "key"),
            ("Consent e-mail", "consent_email"),
            ("consent email", "consent_email"),
            ("Height (cm)", "height_cm"),
            ("2nd car", "no_2nd_car"),
            ("高尔夫", ""),
            (" ", ""),
        ] {
            assert_eq!(guess(header), field, "{header}");
        }
    }
}
