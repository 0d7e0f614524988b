//! What changes a member of staff. Each command decides, writes and records in the caller's
//! transaction.

use super::Club;
use super::audit::{self, Actor, Subject};
use super::passwords::{NONE_YET, NewPassword};
use crate::db::Tx;
use crate::domain::Role;
use crate::entity::users;
use crate::web::{FormErrors, Result, zones};
use chrono::{DateTime, Utc};
use chrono_tz::Tz;
use sea_orm::ActiveValue::{NotSet, Set, Unchanged};
use sea_orm::{
    ActiveModelTrait as _, ColumnTrait as _, ConnectionTrait, DbErr, EntityTrait as _, QueryFilter as _,
};
use serde_json::json;

/// The longest address that mail can go to (RFC 5321 §4.5.3.1.3, without the brackets).
pub const MAX_EMAIL: usize = 254;

/// The longest name of a person, in characters.
pub const MAX_NAME: usize = 100;

/// A member of staff to be made. Parsed: the address is one and in lower case.
#[derive(Debug)]
pub struct NewUser {
    pub email: String,
    pub name: String,
    pub role: Role,
    /// A PHC string; `passwords::NONE_YET` until they choose a password by a link.
    pub password_hash: String,
}

impl NewUser {
    /// Someone who is to choose a password by a link.
    pub fn parse(name: &str, email: &str, role: &str) -> Result<Self, FormErrors> {
        let mut errors = FormErrors::default();
        let name = errors.text("name", name, MAX_NAME);
        let email = parse_email(&mut errors, "email", email);
        let Ok(role) = role.trim().parse() else {
            errors.add("role", "Choose viewer, manager or admin.");
            return Err(errors);
        };
        errors.or(|| Self {
            email,
            name,
            role,
            password_hash: NONE_YET.into(),
        })
    }
}

/// An e-mail address as staff sign in with it: trimmed, in lower case. Errors go to `field`.
pub fn parse_email(errors: &mut FormErrors, field: &str, text: &str) -> String {
    let email = errors.text(field, text, MAX_EMAIL).to_lowercase();
    let is_one = email_address::EmailAddress::is_valid(&email) && !email.contains(['<', '"', '[']);
    if errors.of(field).is_none() && !is_one {
        errors.add(field, "This is no e-mail address, such as name@club.example.");
    }
    email
}

/// Makes a member of staff. Refused with a message at `email` where someone has that address.
pub async fn create_user(tx: &Tx, new: NewUser, actor: &Actor, now: DateTime<Utc>) -> Result<users::Model> {
    if by_email(&**tx, &new.email).await?.is_some() {
        return Err(FormErrors::one("email", "Someone with this e-mail address is staff already.").into());
    }
    let user = users::ActiveModel {
        id: NotSet,
        email: Set(new.email),
        name: Set(new.name),
        role: Set(new.role),
        password_hash: Set(new.password_hash),
        timezone: Set(None),
        created_at: Set(now.into()),
        password_changed_at: Set(now.into()),
        disabled_at: Set(None),
    }
    .insert(&**tx)
    .await?;
    let detail = json!({"name": user.name, "email": user.email, "role": user.role});
    audit::record(tx, now, actor, "added", Subject("user", Some(user.id)), detail).await?;
    Ok(user)
}

/// Who has this address, in lower case.
pub async fn by_email(db: &impl ConnectionTrait, email: &str) -> Result<Option<users::Model>, DbErr> {
    users::Entity::find()
        .filter(users::Column::Email.eq(email))
        .one(db)
        .await
}

/// Whether nobody is staff yet: the instance waits for its first administrator.
pub async fn is_nobody_there(db: &impl ConnectionTrait) -> Result<bool, DbErr> {
    use sea_orm::QuerySelect as _;
    Ok(users::Entity::find().limit(1).one(db).await?.is_none())
}

/// Notes that a person is given a link by which they choose a password.
pub async fn record_link(tx: &Tx, user: &users::Model, actor: &Actor, now: DateTime<Utc>) -> Result<()> {
    let subject = Subject("user", Some(user.id));
    audit::record(
        tx,
        now,
        actor,
        "made a password link for",
        subject,
        json!({"name": user.name}),
    )
    .await?;
    Ok(())
}

/// What a person may change of themselves.
#[derive(Debug)]
pub struct Profile {
    name: String,
    timezone: Option<String>,
}

impl Profile {
    /// `timezone` "" is the club's.
    pub fn parse(name: &str, timezone: &str) -> Result<Self, FormErrors> {
        let mut errors = FormErrors::default();
        let name = errors.text("name", name, MAX_NAME);
        let timezone = match timezone.trim() {
            "" => None,
            text => match zones::parse(text) {
                Ok(zone) => Some(zone.name().to_owned()),
                Err(sentence) => {
                    errors.add("timezone", sentence);
                    None
                }
            },
        };
        errors.or(|| Self { name, timezone })
    }
}

pub async fn edit_profile(
    tx: &Tx,
    user: &users::Model,
    profile: Profile,
    actor: &Actor,
    now: DateTime<Utc>,
) -> Result<()> {
    let detail = json!({"name": profile.name, "timezone": profile.timezone});
    users::ActiveModel {
        id: Unchanged(user.id),
        name: Set(profile.name),
        timezone: Set(profile.timezone),
        ..Default::default()
    }
    .update(&**tx)
    .await?;
    audit::record(tx, now, actor, "edited", Subject("user", Some(user.id)), detail).await?;
    Ok(())
}

/// Sets a password by its hash and answers the person as they are now: sessions that were made
/// with the old one no longer count.
pub async fn set_password(
    tx: &Tx,
    user: &users::Model,
    password_hash: String,
    actor: &Actor,
    now: DateTime<Utc>,
) -> Result<users::Model> {
    let user = users::ActiveModel {
        id: Unchanged(user.id),
        password_hash: Set(password_hash),
        password_changed_at: Set(now.into()),
        ..Default::default()
    }
    .update(&**tx)
    .await?;
    let subject = Subject("user", Some(user.id));
    audit::record(
        tx,
        now,
        actor,
        "changed the password of",
        subject,
        json!({"name": user.name}),
    )
    .await?;
    Ok(user)
}

/// What makes a fresh instance a club's.
#[derive(Debug)]
pub struct FirstStart {
    name: String,
    email: String,
    club_name: String,
    timezone: Tz,
}

impl FirstStart {
    /// Beside the club and the person, the password that is to be hashed.
    pub fn parse(
        club_name: &str,
        timezone: &str,
        name: &str,
        email: &str,
        password: &str,
    ) -> Result<(Self, NewPassword), FormErrors> {
        let mut errors = FormErrors::default();
        let club_name = errors.text("club_name", club_name, MAX_NAME);
        let timezone = zones::parse(timezone).map_err(|sentence| errors.add("timezone", sentence));
        let name = errors.text("name", name, MAX_NAME);
        let email = parse_email(&mut errors, "email", email);
        let password =
            NewPassword::parse(password, &email).map_err(|sentence| errors.add("password", sentence));
        match (timezone, password) {
            (Ok(timezone), Ok(password)) => errors.or(|| {
                let start = Self {
                    name,
                    email,
                    club_name,
                    timezone,
                };
                (start, password)
            }),
            _ => Err(errors),
        }
    }
}

/// Makes the first administrator and names the club.
pub async fn set_up(
    tx: &Tx,
    start: FirstStart,
    password_hash: String,
    now: DateTime<Utc>,
) -> Result<users::Model> {
    let club = Club {
        name: start.club_name,
        timezone: start.timezone,
        ..Club::load(&**tx).await?
    };
    club.save(tx, now).await?;
    let new = NewUser {
        email: start.email,
        name: start.name,
        role: Role::Admin,
        password_hash,
    };
    create_user(tx, new, &Actor::fairway(), now).await
}
