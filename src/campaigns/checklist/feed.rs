//! Whether the feed of a campaign can be read. Apart from the rest of the checklist, because it asks
//! another system: with no transaction open, and not at every edit.

use super::{Place, Report, State};
use crate::campaigns::feed;
use crate::context::Context;
use crate::entity::campaigns;
use crate::web::Result;
use std::time::Duration;

/// Longer nobody waits for a page.
const LONGEST: Duration = Duration::from_secs(10);

/// Looks at the feed as it is now, and adds what there is to say of it.
pub async fn look(report: &mut Report, cx: &Context, campaign: &campaigns::Model) -> Result<()> {
    let (place, field, title) = (Place::Schedule, "feed.url", "Feed");
    let Some(source) = feed::of(campaign) else {
        if campaign.feed.is_some() {
            let text = "Only a campaign that repeats is filled from a feed; this one’s feed is not used.";
            report.add(State::Warn, place, field, title, text);
        }
        return Ok(());
    };
    let looked = tokio::time::timeout(LONGEST, feed::look(cx, campaign, &source)).await;
    let found = match looked {
        Ok(found) => found?,
        Err(_) => Err("Its server did not answer within ten seconds.".into()),
    };
    let edition = match found {
        Ok(edition) => edition,
        Err(sentence) => {
            let text = format!(
                "The feed cannot be read. {sentence} Check its address with “Look at the feed”, or take it away."
            );
            report.add(State::Error, place, field, title, text);
            return Ok(());
        }
    };
    let name = match edition.title.as_str() {
        "" => "The feed".to_owned(),
        title => format!("“{title}”"),
    };
    let text = match (edition.items.len(), source.skip_when_empty) {
        (0, true) => {
            format!(
                "{name} can be read and has nothing new now. An occurrence of which that is so is skipped."
            )
        }
        (0, false) => format!("{name} can be read and has nothing new now. It is sent all the same."),
        (1, _) => format!("{name} can be read; 1 item would be in it now."),
        (number, _) => format!("{name} can be read; {number} items would be in it now."),
    };
    report.add(State::Ok, place, field, title, text);
    Ok(())
}
