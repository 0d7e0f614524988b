//! From a compiled template to one person's message, ready to be handed over.

use super::Compiled;
use super::links::Registered;
use super::render::{FeedValues, Happened, Recipient, RenderError, RenderUrls, Values};
use crate::accounts::Club;
use crate::domain::token::Urls;
use crate::domain::{Channel, Purpose};
use crate::entity::campaigns;
use crate::messaging::Outgoing;
use chrono::{DateTime, Utc};
use serde_json::Value;

/// What the messages of a run have in common.
pub struct Letter<'a> {
    pub channel: Channel,
    pub compiled: &'a Compiled,
    pub links: &'a Registered,
    pub campaign: &'a campaigns::Model,
    pub club: &'a Club,
    pub urls: &'a Urls,
    /// What the run took of its campaign's feed.
    pub feed: Option<&'a FeedValues>,
}

/// Whom one of them is for.
pub struct Addressee<'a> {
    pub delivery: i64,
    pub run: i64,
    pub address: &'a str,
    pub person: &'a Recipient,
    /// The properties of the event that caused it.
    pub event: Option<&'a Value>,
}

/// Makes one person's message. Its Message-ID is the same each time it is made.
///
/// # Errors
/// Where the template cannot be rendered for this person. Trying again gives the same.
pub fn compose(letter: &Letter, to: &Addressee, now: DateTime<Utc>) -> Result<Outgoing, RenderError> {
    let urls = letter.urls;
    let unsubscribe = urls.unsubscribe(to.delivery);
    let render_urls = RenderUrls {
        unsubscribe: unsubscribe.clone(),
        preferences: urls.preferences(to.delivery),
        view: urls.view(to.delivery),
        pixel: Some(urls.open(to.delivery)),
    };
    let values = Values::new(
        to.person.clone(),
        letter.club,
        letter.campaign.purpose,
        &letter.campaign.name,
        render_urls,
        to.event.map(|properties| Happened {
            properties: properties.clone(),
            zone: letter.campaign.timezone.clone(),
        }),
    );
    let values = match letter.feed {
        Some(feed) => values.with_feed(feed),
        None => values,
    };
    let values = match letter.channel {
        Channel::Sms => values.brief(),
        _ => values,
    };
    let rendered = letter.compiled.render(&values, &|index, url| {
        letter.links.click(urls, to.delivery, index, url)
    })?;
    let from = match letter.channel {
        Channel::Sms => From {
            name: letter.club.name.clone(),
            ..From::default()
        },
        _ => sender(letter.campaign, letter.club),
    };
    let domain = domain(&from.email);
    let is_marketing = letter.campaign.purpose == Purpose::Marketing;
    let list = match letter.campaign.topic_id {
        Some(topic) => format!("topic-{topic}.{domain}"),
        None => format!("campaigns.{domain}"),
    };
    Ok(Outgoing {
        to: to.address.to_owned(),
        to_name: format!("{} {}", to.person.first_name, to.person.last_name)
            .trim()
            .to_owned(),
        from_name: from.name,
        from_email: from.email,
        reply_to: from.reply_to,
        subject: rendered.subject,
        html: rendered.html,
        text: rendered.text,
        message_id: format!("{}.{}@{domain}", to.delivery, to.run),
        list_id: is_marketing.then(|| (letter.club.name.clone(), list)),
        unsubscribe_url: is_marketing.then_some(unsubscribe),
        date: now.timestamp(),
        status_url: None,
        delivery: Some(to.delivery),
        post: None,
    })
}

/// Who a campaign's messages come from. A text message has its provider's number.
#[derive(Default)]
struct From {
    name: String,
    email: String,
    reply_to: Option<String>,
}

/// What the campaign says, else the club's settings.
fn sender(campaign: &campaigns::Model, club: &Club) -> From {
    let filled = |text: &Option<String>| text.clone().filter(|text| !text.is_empty());
    let own = |text: &String| Some(text.clone()).filter(|text| !text.is_empty());
    From {
        name: filled(&campaign.sender_name)
            .or_else(|| own(&club.sender.name))
            .unwrap_or_else(|| club.name.clone()),
        email: filled(&campaign.sender_email).unwrap_or_else(|| club.sender.email.clone()),
        reply_to: filled(&campaign.reply_to).or_else(|| own(&club.sender.reply_to)),
    }
}

/// The sender's domain in ASCII, for what must be unique in the world.
pub fn domain(email: &str) -> String {
    let domain = email.rsplit_once('@').map_or("", |(_, domain)| domain);
    url::Host::parse(domain).map_or_else(|_| "localhost".into(), |host| host.to_string())
}
