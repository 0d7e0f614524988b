//! Whether a block can stand in a mail, and whether the templates that take it in can still be
//! sent with it.

use super::NewBlock;
use super::store::{self, User};
use crate::content::render::blocks::expand;
use crate::content::render::variables::Vocabulary;
use crate::content::render::{Part, Problem, compile_with, unkept};
use crate::domain::BodyKind;
use crate::entity::template_versions;
use crate::web::FormErrors;

/// What the block stands in while it is looked at by itself: between sections, between the parts
/// of a column, or within a text.
const PLACES: [(&str, &str); 3] = [
    ("<mjml><mj-body>", "</mj-body></mjml>"),
    (
        "<mjml><mj-body><mj-section><mj-column>",
        "</mj-column></mj-section></mj-body></mjml>",
    ),
    (
        "<mjml><mj-body><mj-section><mj-column><mj-text>",
        "</mj-text></mj-column></mj-section></mj-body></mjml>",
    ),
];

/// The block in a mail of its own, in the place where it fits best.
pub fn alone(block: &NewBlock) -> template_versions::Model {
    let version = |body: String| unkept(block.kind, body);
    if block.kind != BodyKind::Mjml {
        return version(block.body.clone());
    }
    let has = |element: &str| block.body.contains(element);
    let place = match (
        has("<mj-section") || has("<mj-wrapper") || has("<mj-hero"),
        has("<mj-"),
    ) {
        (true, _) => PLACES[0],
        (false, true) => PLACES[1],
        (false, false) => PLACES[2],
    };
    version(format!("{}{}{}", place.0, block.body, place.1))
}

/// What is wrong with a block, at its own lines.
pub fn problems(block: &NewBlock, vocabulary: &Vocabulary) -> Vec<Problem> {
    let found = compile_with(&alone(block), vocabulary).err().unwrap_or_default();
    found
        .into_iter()
        .filter(|problem| problem.part == Part::Body)
        .collect()
}

/// Refuses what would keep a template from being sent that can be sent now.
pub fn keeps_templates_whole(
    key: &str,
    block: &NewBlock,
    users: &[User],
    others: &crate::content::render::blocks::Blocks,
    vocabulary: &Vocabulary,
) -> Result<(), FormErrors> {
    let mut blocks = others.clone();
    blocks.insert(key.to_owned(), (block.kind, block.body.clone()));
    for user in users {
        if compile_with(&user.version, vocabulary).is_err() {
            continue;
        }
        let whole = expand(user.version.body_kind, &user.version.body, &blocks);
        let version = template_versions::Model {
            whole,
            ..user.version.clone()
        };
        if let Some(problem) = compile_with(&version, vocabulary)
            .err()
            .and_then(|found| found.into_iter().next())
        {
            let text = format!(
                "The template “{}” could not be sent with this: {} Nothing was saved.",
                user.template.name, problem.message
            );
            return Err(FormErrors::one("body", text));
        }
    }
    Ok(())
}

/// What the templates that take in `key` are looked at with.
pub async fn surroundings(
    db: &impl sea_orm::ConnectionTrait,
    key: &str,
) -> Result<(Vec<User>, crate::content::render::blocks::Blocks), sea_orm::DbErr> {
    Ok((store::users(db, key).await?, store::all(db).await?))
}
