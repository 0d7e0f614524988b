//! Who may be contacted. The order of the refusals is the order in which they are told: what
//! cannot be helped first, what the person said next, what the club forgot to ask last but one.
//! `audience::eligibility` says the same in SQL, and a test holds the two together.

use super::{ConsentStatus, Purpose, UnknownTerm};

super::terms::term!(
    /// Why a person is not contacted. Kept on the ledger's row of a skipped delivery.
    SkipReason {
        NoAddress = "no_address",
        Suppressed = "suppressed",
        Unsubscribed = "unsubscribed",
        NoConsent = "no_consent",
        TopicOptOut = "topic_opt_out",
        /// The club’s cap on how much one person gets; known only just before sending.
        FrequencyCap = "frequency_cap",
    }
);

impl SkipReason {
    /// What staff read.
    pub const fn label(self) -> &'static str {
        match self {
            Self::NoAddress => "No address",
            Self::Suppressed => "Suppressed",
            Self::Unsubscribed => "Unsubscribed",
            Self::NoConsent => "No consent",
            Self::TopicOptOut => "Opted out of the topic",
            Self::FrequencyCap => "Had enough lately",
        }
    }

    /// The same in a sentence, for a hint beside the label.
    pub const fn explanation(self) -> &'static str {
        match self {
            Self::NoAddress => "Nothing is known to send to on this channel.",
            Self::Suppressed => "The address bounced, its owner complained, or staff put it on the list.",
            Self::Unsubscribed => "The person said no to this channel.",
            Self::NoConsent => "Marketing needs consent, and the person was never asked.",
            Self::TopicOptOut => "The person wants nothing on this topic.",
            Self::FrequencyCap => "The person had as many messages as the club’s settings allow.",
        }
    }
}

/// What is known of a person on one channel.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Facts {
    pub has_address: bool,
    /// Whether the address is among the channel's suppressions.
    pub is_suppressed: bool,
    pub consent: ConsentStatus,
    /// Whether the person opted out of the campaign's topic. False where it has none.
    pub is_opted_out: bool,
}

/// Whether a person may be sent a message. Marketing needs consent; transactional needs none and
/// asks for no topic, but still respects suppressions.
pub const fn may_contact(purpose: Purpose, facts: &Facts) -> Result<(), SkipReason> {
    if !facts.has_address {
        return Err(SkipReason::NoAddress);
    }
    if facts.is_suppressed {
        return Err(SkipReason::Suppressed);
    }
    match (purpose, facts.consent) {
        (Purpose::Transactional, _) => Ok(()),
        (Purpose::Marketing, ConsentStatus::Unsubscribed) => Err(SkipReason::Unsubscribed),
        (Purpose::Marketing, ConsentStatus::None) => Err(SkipReason::NoConsent),
        (Purpose::Marketing, ConsentStatus::Subscribed) if facts.is_opted_out => Err(SkipReason::TopicOptOut),
        (Purpose::Marketing, ConsentStatus::Subscribed) => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::ConsentStatus::{None as NeverAsked, Subscribed, Unsubscribed};
    use crate::domain::Purpose::{Marketing, Transactional};

    #[test]
    fn a_person_is_contacted_only_where_nothing_speaks_against_it() {
        #[rustfmt::skip]
        let cases = [
            // purpose, has address, suppressed, consent, opted out of the topic, verdict
            (Marketing,     true,  false, Subscribed,   false, Ok(())),
            (Marketing,     true,  false, Subscribed,   true,  Err(SkipReason::TopicOptOut)),
            (Marketing,     true,  false, NeverAsked,   false, Err(SkipReason::NoConsent)),
            (Marketing,     true,  false, NeverAsked,   true,  Err(SkipReason::NoConsent)),
            (Marketing,     true,  false, Unsubscribed, false, Err(SkipReason::Unsubscribed)),
            (Marketing,     true,  false, Unsubscribed, true,  Err(SkipReason::Unsubscribed)),
            (Marketing,     true,  true,  Subscribed,   false, Err(SkipReason::Suppressed)),
            (Marketing,     true,  true,  Unsubscribed, true,  Err(SkipReason::Suppressed)),
            (Marketing,     false, false, Subscribed,   false, Err(SkipReason::NoAddress)),
            (Marketing,     false, true,  Unsubscribed, true,  Err(SkipReason::NoAddress)),
            (Transactional, true,  false, Subscribed,   false, Ok(())),
            (Transactional, true,  false, NeverAsked,   false, Ok(())),
            (Transactional, true,  false, Unsubscribed, true,  Ok(())),
            (Transactional, true,  true,  Subscribed,   false, Err(SkipReason::Suppressed)),
            (Transactional, false, false, Subscribed,   false, Err(SkipReason::NoAddress)),
            (Transactional, false, true,  NeverAsked,   true,  Err(SkipReason::NoAddress)),
        ];
        for (purpose, has_address, is_suppressed, consent, is_opted_out, verdict) in cases {
            let facts = Facts {
                has_address,
                is_suppressed,
                consent,
                is_opted_out,
            };
            assert_eq!(may_contact(purpose, &facts), verdict, "{purpose} {facts:?}");
        }
    }
}
