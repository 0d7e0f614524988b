//! What became of a message, in words for staff.

use crate::domain::consent::SkipReason;
use crate::domain::delivery::Reason;
use crate::domain::{Channel, DeliveryState};

/// A state as staff read it.
pub const fn state(state: DeliveryState) -> &'static str {
    match state {
        DeliveryState::Queued => "Waiting",
        DeliveryState::Sending => "Being sent",
        DeliveryState::Sent => "Sent",
        DeliveryState::Delivered => "Delivered",
        DeliveryState::Bounced => "Bounced",
        DeliveryState::Failed => "Failed",
        DeliveryState::Skipped => "Skipped",
        DeliveryState::Cancelled => "Cancelled",
        DeliveryState::Unknown => "In doubt",
    }
}

/// A channel within a sentence.
pub const fn channel(channel: Channel) -> &'static str {
    match channel {
        Channel::Email => "e-mail",
        Channel::Push => "push message",
        Channel::Social => "social media",
        other => other.label(),
    }
}

/// Why it is so; empty where the state says it all.
pub fn why(of: DeliveryState, reason: Option<&str>, reply: Option<&str>) -> String {
    let reason = reason.unwrap_or_default();
    let sentence = match (reason.parse::<SkipReason>(), reason.parse::<Reason>()) {
        (Ok(skip), _) => format!("{}. {}", skip.label(), skip.explanation()),
        (_, Ok(reason)) => format!("{}.", reason.label()),
        _ if of == DeliveryState::Cancelled => "Its campaign was cancelled before it was sent.".to_owned(),
        _ => reason.to_owned(),
    };
    let has_news = matches!(
        of,
        DeliveryState::Failed | DeliveryState::Bounced | DeliveryState::Queued | DeliveryState::Unknown
    );
    match reply.filter(|reply| has_news && !reply.is_empty()) {
        Some(reply) if sentence.is_empty() => format!("The mail server said: {reply}"),
        Some(reply) => format!("{sentence} The mail server said: {reply}"),
        None => sentence,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_became_of_a_message_is_told_in_sentences() {
        let said = why(DeliveryState::Failed, Some("refused"), Some("550 no such user"));
        assert_eq!(
            said,
            "Refused by the mail server or the provider. The mail server said: 550 no such user"
        );
        assert!(why(DeliveryState::Skipped, Some("no_consent"), None).starts_with("No consent. "));
        assert_eq!(why(DeliveryState::Sent, None, Some("250 ok")), "");
    }
}
