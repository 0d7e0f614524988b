//! Accounts on social platforms. Any number is active, and each gets its own post.

use super::checks::web_address;
use super::{Build, Field, Group, Kind, Part, Values};
use crate::context::Context;
use crate::domain::{Channel, Platform};
use crate::messaging::Adapter;
use crate::social::{
    Account, Bluesky, Facebook, GRAPH, Graph, Instagram, Keys, LINKEDIN, LinkedIn, Mastodon, X, X_HOME,
};
use crate::web::FormErrors;
use std::sync::Arc;
use std::time::Duration;

/// Between two questions whether a picture or film is ready.
const REST: Duration = Duration::from_secs(5);

/// The platform of a kind of accounts.
pub fn platform(word: &str) -> Option<Platform> {
    match word {
        "mastodon" => Some(Platform::Mastodon),
        "bluesky" => Some(Platform::Bluesky),
        "facebook" => Some(Platform::Facebook),
        "instagram" => Some(Platform::Instagram),
        "linkedin" => Some(Platform::LinkedIn),
        "x" => Some(Platform::X),
        _ => None,
    }
}

const fn kind(
    word: &'static str,
    label: &'static str,
    about: &'static str,
    groups: &'static [Group],
    build: Build,
) -> Kind {
    Kind {
        word,
        channel: Channel::Social,
        part: Part::Account,
        label,
        about,
        hook: "",
        signs: false,
        groups,
        build,
    }
}

pub const MASTODON: Kind = kind(
    "mastodon",
    "Mastodon",
    "An account on any Mastodon server.",
    &[Group {
        title: "",
        fields: &[
            Field::new("home", "Server", "Where the account is, such as https://mastodon.social.")
                .required()
                .leads(),
            Field::new(
                "token",
                "Access token",
                "On your server under Preferences, Development: a new application with the scopes read and write.",
            )
            .required()
            .secret(),
        ],
    }],
    mastodon,
);

fn mastodon(values: &Values, cx: &Context) -> Result<Arc<dyn Adapter>, FormErrors> {
    let mut errors = FormErrors::default();
    let home = web_address(&mut errors, "home", values.get("home"));
    errors.or(|| {
        account(Mastodon {
            home,
            token: values.get("token").into(),
            outbound: cx.outbound.clone(),
            rest: REST,
        })
    })
}

pub const BLUESKY: Kind = kind(
    "bluesky",
    "Bluesky",
    "An account on Bluesky, or on a server of one’s own.",
    &[Group {
        title: "",
        fields: &[
            Field::new("identifier", "Handle", "Such as club.bsky.social.").required().leads(),
            Field::new(
                "password",
                "App password",
                "On Bluesky under Settings, Privacy and security, App passwords. Not the account’s own password.",
            )
            .required()
            .secret(),
            Field::new("home", "Server", "Another one only where the account is not on Bluesky’s.")
                .usual("https://bsky.social")
                .required()
                .leads(),
        ],
    }],
    bluesky,
);

fn bluesky(values: &Values, cx: &Context) -> Result<Arc<dyn Adapter>, FormErrors> {
    let mut errors = FormErrors::default();
    let home = web_address(&mut errors, "home", values.get("home"));
    errors.or(|| {
        account(Bluesky {
            home,
            identifier: values.get("identifier").trim_start_matches('@').to_owned(),
            password: values.get("password").into(),
            outbound: cx.outbound.clone(),
            session: Default::default(),
        })
    })
}

const GRAPH_TOKEN: Field = Field::new(
    "token",
    "Page access token",
    "Of the page, made for a system user so that it does not expire, with pages_manage_posts, \
     pages_read_engagement and, for Instagram, instagram_basic and instagram_content_publish.",
)
.required()
.secret()
.max(1000);

const APP_SECRET: Field = Field::new(
    "app_secret",
    "App secret",
    "Needed where the app asks for proof with each call (appsecret_proof).",
)
.secret();

const GRAPH_HOME: Field = Field::new("home", "Address of the API", "Left empty, Meta’s own.").leads();

fn graph(errors: &mut FormErrors, values: &Values, cx: &Context) -> Graph {
    Graph {
        home: home(errors, values, GRAPH),
        token: values.get("token").into(),
        app_secret: match values.get("app_secret") {
            "" => None,
            secret => Some(secret.into()),
        },
        outbound: cx.outbound.clone(),
    }
}

fn home(errors: &mut FormErrors, values: &Values, usual: &str) -> String {
    match values.get("home") {
        "" => usual.to_owned(),
        home => web_address(errors, "home", home),
    }
}

fn number(errors: &mut FormErrors, field: &str, text: &str) -> String {
    if text.is_empty() || !text.bytes().all(|byte| byte.is_ascii_digit()) {
        errors.add(field, "This is a number, as the platform shows it.");
    }
    text.to_owned()
}

pub const FACEBOOK: Kind = kind(
    "facebook",
    "Facebook page",
    "Posts on a page of the club’s.",
    &[Group {
        title: "",
        fields: &[
            Field::new(
                "page",
                "Page id",
                "A number; the page shows it under About, Page transparency.",
            )
            .required()
            .leads()
            .max(30),
            GRAPH_TOKEN,
            APP_SECRET,
            GRAPH_HOME,
        ],
    }],
    facebook,
);

fn facebook(values: &Values, cx: &Context) -> Result<Arc<dyn Adapter>, FormErrors> {
    let mut errors = FormErrors::default();
    let graph = graph(&mut errors, values, cx);
    let page = number(&mut errors, "page", values.get("page"));
    errors.or(|| account(Facebook { graph, page }))
}

pub const INSTAGRAM: Kind = kind(
    "instagram",
    "Instagram",
    "Posts on a professional account that belongs to a Facebook page.",
    &[Group {
        title: "",
        fields: &[
            Field::new(
                "user",
                "Account id",
                "A number: the page’s instagram_business_account in the Graph API.",
            )
            .required()
            .leads()
            .max(30),
            GRAPH_TOKEN,
            APP_SECRET,
            GRAPH_HOME,
        ],
    }],
    instagram,
);

fn instagram(values: &Values, cx: &Context) -> Result<Arc<dyn Adapter>, FormErrors> {
    let mut errors = FormErrors::default();
    let graph = graph(&mut errors, values, cx);
    let user = number(&mut errors, "user", values.get("user"));
    errors.or(|| {
        account(Instagram {
            graph,
            user,
            rest: REST,
        })
    })
}

pub const LINKEDIN_PAGE: Kind = kind(
    "linkedin",
    "LinkedIn page",
    "Posts on a page of the club’s.",
    &[Group {
        title: "",
        fields: &[
            Field::new("organization", "Page number", "In the address of the page’s admin view.")
                .required()
                .leads()
                .max(30),
            Field::new(
                "token",
                "Access token",
                "Of an app with w_organization_social and r_organization_social. LinkedIn’s last for 60 days.",
            )
            .required()
            .secret()
            .max(2000),
            Field::new("version", "Version of the API", "A month, such as 202606.")
                .usual("202606")
                .required()
                .max(6),
            Field::new("home", "Address of the API", "Left empty, LinkedIn’s own.").leads(),
        ],
    }],
    linkedin,
);

fn linkedin(values: &Values, cx: &Context) -> Result<Arc<dyn Adapter>, FormErrors> {
    let mut errors = FormErrors::default();
    let home = home(&mut errors, values, LINKEDIN);
    let organization = number(&mut errors, "organization", values.get("organization"));
    let version = values.get("version").to_owned();
    if version.len() != 6 || !version.bytes().all(|byte| byte.is_ascii_digit()) {
        errors.add("version", "Write the year and the month, such as 202606.");
    }
    errors.or(|| {
        account(LinkedIn {
            home,
            organization,
            token: values.get("token").into(),
            version,
            outbound: cx.outbound.clone(),
        })
    })
}

pub const X_ACCOUNT: Kind = kind(
    "x",
    "X",
    "Posts as an account that let the club’s app in.",
    &[Group {
        title: "",
        fields: &[
            Field::new(
                "consumer",
                "API key",
                "X’s developer portal shows it under the app’s keys and tokens.",
            )
            .required()
            .leads(),
            Field::new("consumer_secret", "API key secret", "")
                .required()
                .secret(),
            Field::new("token", "Access token", "Of the account, with read and write.")
                .required()
                .leads(),
            Field::new("token_secret", "Access token secret", "")
                .required()
                .secret(),
            Field::new("home", "Address of the API", "Left empty, X’s own.").leads(),
        ],
    }],
    x,
);

fn x(values: &Values, cx: &Context) -> Result<Arc<dyn Adapter>, FormErrors> {
    let mut errors = FormErrors::default();
    let home = home(&mut errors, values, X_HOME);
    errors.or(|| {
        account(X {
            home,
            keys: Keys {
                consumer: values.get("consumer").to_owned(),
                consumer_secret: values.get("consumer_secret").into(),
                token: values.get("token").to_owned(),
                token_secret: values.get("token_secret").into(),
            },
            outbound: cx.outbound.clone(),
            clock: cx.clock.clone(),
        })
    })
}

fn account<P: crate::social::Publisher + 'static>(publisher: P) -> Arc<dyn Adapter> {
    Arc::new(Account(publisher))
}
