//! The text of a post: for everybody at once, so it may name the club and the campaign, and no
//! person.

use super::engine::{self, TEXT};
use super::problem::{Part, Problem, sentence};
use super::variables::{Vocabulary, mentions};
use super::{Recipient, RenderUrls, Values};
use crate::accounts::Club;
use crate::domain::Purpose;

/// What only one person has.
const PERSONAL: [&str; 5] = [
    "contact",
    "event",
    "unsubscribe_url",
    "preferences_url",
    "view_url",
];

/// A post's text with the club's and the campaign's values.
///
/// # Errors
/// A sentence about what is wrong with it.
pub fn render_post(source: &str, club: &Club, campaign: &str) -> Result<String, String> {
    if !source.contains('{') {
        return Ok(source.trim().to_owned());
    }
    if let Some(name) = PERSONAL.iter().find(|name| mentions(source, name)) {
        return Err(format!(
            "A post is for everybody, so it cannot name one person’s “{name}”. It may use club.name, club.website \
             and campaign.name."
        ));
    }
    let mut problems: Vec<Problem> = Vec::new();
    engine::check(Part::Body, source, &Vocabulary::default(), &mut problems);
    if let Some(problem) = problems.first() {
        return Err(problem.message.clone());
    }
    let nobody = Recipient::default();
    let urls = RenderUrls::default();
    let values = Values::new(nobody, club, Purpose::Marketing, campaign, urls, None);
    let mut engine = engine::environment();
    engine
        .add_template_owned(TEXT, source.to_owned())
        .and_then(|()| engine.get_template(TEXT)?.render(values.scope()))
        .map(|text| text.trim().to_owned())
        .map_err(|error| sentence(&error))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn club() -> Club {
        Club {
            name: "Links & Sons".into(),
            ..Club::default()
        }
    }

    #[test]
    fn a_post_names_the_club_and_nobody_else() {
        let text = |source| render_post(source, &club(), "Summer Cup");
        assert_eq!(
            text("Join {{ club.name }} for the {{ campaign.name }}! #golf").as_deref(),
            Ok("Join Links & Sons for the Summer Cup! #golf")
        );
        assert_eq!(text("Plain {text} & <b>").as_deref(), Ok("Plain {text} & <b>"));
        for wrong in [
            "Dear {{ contact.first_name }}",
            "{% for x in event.items %}{% endfor %}",
            "{{ unsubscribe_url }}",
            "{{ club.nmae }}",
            "{{ club.name",
        ] {
            assert!(text(wrong).is_err(), "{wrong}");
        }
    }
}
