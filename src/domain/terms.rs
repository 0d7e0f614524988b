//! The words of the field as types. Each is written the same way in the database, the JSON API and
//! the logs, so a value read anywhere can be searched for everywhere.

/// Declares an enum whose variants have one written form.
macro_rules! term {
    ($(#[$doc:meta])* $name:ident { $($(#[$vdoc:meta])* $variant:ident = $text:literal,)+ }) => {
        $(#[$doc])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, serde::Serialize, serde::Deserialize)]
        pub enum $name { $($(#[$vdoc])* #[serde(rename = $text)] $variant,)+ }

        impl $name {
            pub const ALL: &'static [Self] = &[$(Self::$variant),+];

            /// The written form, as it stands in the database and the API.
            pub const fn as_str(self) -> &'static str {
                match self { $(Self::$variant => $text,)+ }
            }
        }

        impl std::str::FromStr for $name {
            type Err = UnknownTerm;
            fn from_str(text: &str) -> Result<Self, UnknownTerm> {
                match text { $($text => Ok(Self::$variant),)+ _ => Err(UnknownTerm { text: text.to_owned() }) }
            }
        }

        impl std::fmt::Display for $name {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str(self.as_str())
            }
        }
    };
}
pub(super) use term;

/// A word that none of the terms is written as.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("unknown word “{text}”")]
pub struct UnknownTerm {
    pub text: String,
}

term!(
    /// What a member of staff may do. Each role may do all that the ones before it may.
    Role {
        Viewer = "viewer",
        Manager = "manager",
        Admin = "admin",
    }
);

term!(
    /// How messages reach people.
    Channel {
        Email = "EMAIL",
        Sms = "SMS",
        Push = "PUSH",
        WhatsApp = "WHATSAPP",
        Social = "SOCIAL",
    }
);

impl Channel {
    /// What staff read.
    pub const fn label(self) -> &'static str {
        match self {
            Self::Email => "E-mail",
            Self::Sms => "SMS",
            Self::Push => "Push",
            Self::WhatsApp => "WhatsApp",
            Self::Social => "Social",
        }
    }

    /// Whether it reaches one person at a time, whom consent is asked for. Posts are for everybody.
    pub const fn is_personal(self) -> bool {
        !matches!(self, Self::Social)
    }

    /// Whether campaigns can be sent on it in this release.
    pub const fn is_ready(self) -> bool {
        matches!(self, Self::Email | Self::Sms | Self::Social)
    }
}

term!(
    /// Where social posts go. Among a campaign's channels a platform's name means `SOCIAL` there.
    Platform {
        Facebook = "FACEBOOK",
        Instagram = "INSTAGRAM",
        LinkedIn = "LINKEDIN",
        X = "X",
        Mastodon = "MASTODON",
        Bluesky = "BLUESKY",
    }
);

impl Platform {
    /// What staff read.
    pub const fn label(self) -> &'static str {
        match self {
            Self::Facebook => "Facebook",
            Self::Instagram => "Instagram",
            Self::LinkedIn => "LinkedIn",
            Self::X => "X",
            Self::Mastodon => "Mastodon",
            Self::Bluesky => "Bluesky",
        }
    }
}

term!(
    /// When a campaign sends.
    CampaignType {
        OneTime = "ONE_TIME",
        Recurring = "RECURRING",
        Triggered = "TRIGGERED",
        Journey = "JOURNEY",
    }
);

impl CampaignType {
    pub const fn label(self) -> &'static str {
        match self {
            Self::OneTime => "One-time",
            Self::Recurring => "Recurring",
            Self::Triggered => "Triggered",
            Self::Journey => "Journey",
        }
    }

    /// Whether its one run stays open until staff end the campaign.
    pub const fn is_open_ended(self) -> bool {
        matches!(self, Self::Triggered | Self::Journey)
    }

    /// Whether campaigns of the type can be scheduled in this release.
    pub const fn is_ready(self) -> bool {
        match self {
            Self::OneTime | Self::Recurring | Self::Triggered | Self::Journey => true,
        }
    }
}

term!(
    /// Where a campaign is in its life. `domain::campaign::transition` alone decides what follows.
    Status {
        Draft = "DRAFT",
        Scheduled = "SCHEDULED",
        Active = "ACTIVE",
        Paused = "PAUSED",
        Completed = "COMPLETED",
        Cancelled = "CANCELLED",
    }
);

impl Status {
    pub const fn label(self) -> &'static str {
        match self {
            Self::Draft => "Draft",
            Self::Scheduled => "Scheduled",
            Self::Active => "Active",
            Self::Paused => "Paused",
            Self::Completed => "Completed",
            Self::Cancelled => "Cancelled",
        }
    }
}

term!(
    /// Why a message is sent. Marketing needs consent; transactional does not, but both respect
    /// suppressions.
    Purpose {
        Marketing = "MARKETING",
        Transactional = "TRANSACTIONAL",
    }
);

term!(
    /// What a message that was in flight during a crash becomes.
    InDoubt {
        /// Sent again with the same Message-ID: perhaps twice, never not at all.
        Retry = "RETRY",
        /// Left `UNKNOWN`: perhaps not at all, never twice.
        Leave = "LEAVE",
    }
);

term!(
    /// What a contact said about a channel. No row means `NONE`: never asked.
    ConsentStatus {
        None = "NONE",
        Subscribed = "SUBSCRIBED",
        Unsubscribed = "UNSUBSCRIBED",
    }
);

term!(
    /// The kind of a free attribute's values. Dates are `YYYY-MM-DD` text in the JSON.
    AttributeKind {
        Text = "text",
        Number = "number",
        Date = "date",
        Boolean = "boolean",
    }
);

term!(SegmentKind {
    Rule = "RULE",
    Static = "STATIC",
});

term!(
    /// What a template's body is written in.
    BodyKind {
        Mjml = "MJML",
        Html = "HTML",
        Text = "TEXT",
    }
);

term!(ImportState {
    /// Uploaded and staged; waits for its column mapping.
    Uploaded = "UPLOADED",
    /// Rows are being parsed.
    Reading = "READING",
    /// Parsed; the preview waits for a person's confirmation.
    Ready = "READY",
    Applying = "APPLYING",
    Done = "DONE",
    Failed = "FAILED",
    Cancelled = "CANCELLED",
});

term!(RunState {
    /// Its audience is being turned into deliveries.
    Expanding = "EXPANDING",
    /// Deliveries wait or are going out.
    Sending = "SENDING",
    /// Deliveries come one by one, as something happens, until the campaign ends.
    Open = "OPEN",
    Finished = "FINISHED",
    Cancelled = "CANCELLED",
});

term!(
    /// Where a walk through a journey stands.
    EnrollmentState {
        /// At a step, until it is due.
        Active = "ACTIVE",
        /// At a webhook that is being called.
        Calling = "CALLING",
        /// Walked to an end.
        Finished = "FINISHED",
        /// Left before.
        Exited = "EXITED",
    }
);

term!(
    /// What becomes of one occurrence of a recurring campaign.
    OccurrenceState {
        /// To come; perhaps moved or with content of its own.
        Planned = "PLANNED",
        /// Taken out by staff, or because there was nothing new to say.
        Skipped = "SKIPPED",
        /// Its time passed while nothing could be sent.
        Missed = "MISSED",
        /// Its run was opened.
        Sent = "SENT",
    }
);

impl OccurrenceState {
    pub const fn label(self) -> &'static str {
        match self {
            Self::Planned => "Planned",
            Self::Skipped => "Skipped",
            Self::Missed => "Missed",
            Self::Sent => "Sent",
        }
    }
}

term!(
    /// The ledger's states. `SENT` means the server or provider took it.
    DeliveryState {
        Queued = "QUEUED",
        Sending = "SENDING",
        Sent = "SENT",
        Delivered = "DELIVERED",
        Bounced = "BOUNCED",
        Failed = "FAILED",
        Skipped = "SKIPPED",
        Cancelled = "CANCELLED",
        Unknown = "UNKNOWN",
    }
);

term!(ActivityKind {
    Open = "OPEN",
    Click = "CLICK",
    Unsubscribe = "UNSUBSCRIBE",
    Resubscribe = "RESUBSCRIBE",
    Conversion = "CONVERSION",
    Bounce = "BOUNCE",
    Complaint = "COMPLAINT",
});
