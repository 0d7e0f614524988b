//! What staff do to forms, and what visitors do with them. Each is one transaction of the caller's.

use super::forms::{NewForm, Signup};
use super::store;
use crate::accounts::Actor;
use crate::accounts::audit::{self, Subject};
use crate::audience::consent::commands::{self as consent, Ground};
use crate::audience::contacts::{commands as contacts, store as people};
use crate::db::Tx;
use crate::domain::contact::NewContact;
use crate::domain::{Channel, ConsentStatus};
use crate::entity::{signup_forms, signups, topics};
use crate::secret::{random_token, token_hash};
use crate::web::{AppError, FormErrors, Result};
use chrono::{DateTime, TimeDelta, Utc};
use sea_orm::ActiveValue::{NotSet, Set};
use sea_orm::sea_query::Expr;
use sea_orm::{
    ActiveModelTrait as _, ColumnTrait as _, DbErr, EntityTrait as _, IntoActiveModel as _, QueryFilter as _,
    SqlErr,
};
use serde_json::{Map, Value, json};

/// How long what came in is kept: what shows a consent is in the consent log by then.
const KEPT: TimeDelta = TimeDelta::days(30);

fn taken(error: DbErr) -> AppError {
    match error.sql_err() {
        Some(SqlErr::UniqueConstraintViolation(_)) => {
            FormErrors::one("key", "Another form has this key. Choose another.").into()
        }
        _ => error.into(),
    }
}

/// Adds a form.
pub async fn add(tx: &Tx, new: NewForm, actor: &Actor, now: DateTime<Utc>) -> Result<signup_forms::Model> {
    if store::by_key(&**tx, &new.key).await?.is_some() {
        return Err(FormErrors::one("key", "Another form has this key. Choose another.").into());
    }
    let in_use = store::all(&**tx)
        .await?
        .iter()
        .filter(|form| form.archived_at.is_none())
        .count();
    if in_use as u64 >= store::MOST {
        let message = format!("There are {} forms already. Archive one first.", store::MOST);
        return Err(FormErrors::one("name", message).into());
    }
    let form = signup_forms::ActiveModel {
        id: NotSet,
        key: Set(new.key),
        name: Set(new.name),
        heading: Set(new.heading),
        intro: Set(new.intro),
        statement: Set(new.statement),
        thanks: Set(new.thanks),
        asks_name: Set(new.asks_name),
        asks_phone: Set(new.asks_phone),
        topics: Set(json!(new.topics)),
        tag: Set(new.tag),
        created_by: Set(actor.user_id),
        created_at: Set(now.into()),
        updated_at: Set(now.into()),
        archived_at: Set(None),
    }
    .insert(&**tx)
    .await
    .map_err(taken)?;
    record(tx, &form, "created", actor, now).await?;
    Ok(form)
}

/// Changes a form. Its key stays, because it is in addresses on the web.
pub async fn edit(
    tx: &Tx,
    old: signup_forms::Model,
    new: NewForm,
    actor: &Actor,
    now: DateTime<Utc>,
) -> Result<()> {
    let mut row = old.into_active_model();
    row.name = Set(new.name);
    row.heading = Set(new.heading);
    row.intro = Set(new.intro);
    row.statement = Set(new.statement);
    row.thanks = Set(new.thanks);
    row.asks_name = Set(new.asks_name);
    row.asks_phone = Set(new.asks_phone);
    row.topics = Set(json!(new.topics));
    row.tag = Set(new.tag);
    row.updated_at = Set(now.into());
    let form = row.update(&**tx).await?;
    record(tx, &form, "edited", actor, now).await
}

/// Takes a form from the web, or puts it there again.
pub async fn set_archived(
    tx: &Tx,
    form: signup_forms::Model,
    is_archived: bool,
    actor: &Actor,
    now: DateTime<Utc>,
) -> Result<()> {
    let mut row = form.into_active_model();
    row.archived_at = Set(is_archived.then(|| now.into()));
    let form = row.update(&**tx).await?;
    let action = match is_archived {
        true => "archived",
        false => "restored",
    };
    record(tx, &form, action, actor, now).await
}

async fn record(
    tx: &Tx,
    form: &signup_forms::Model,
    action: &str,
    actor: &Actor,
    now: DateTime<Utc>,
) -> Result<()> {
    let subject = Subject("signup form", Some(form.id));
    audit::record(tx, now, actor, action, subject, json!({ "name": form.name })).await?;
    Ok(())
}

/// Where a sign-up came from: evidence, and a share of what is allowed.
#[derive(Clone, Debug)]
pub struct Origin {
    pub network: String,
    pub user_agent: String,
}

/// Keeps the addresses of a sign-up; each waits to be asked. `offered` are the topics with what the
/// visitor chose.
pub async fn sign_up(
    tx: &Tx,
    form: &signup_forms::Model,
    new: &Signup,
    offered: &[(i64, bool)],
    origin: &Origin,
    now: DateTime<Utc>,
) -> Result<()> {
    let submission = random_token();
    let wanted: Map<String, Value> = offered
        .iter()
        .map(|(id, yes)| (id.to_string(), Value::Bool(*yes)))
        .collect();
    for (channel, address) in &new.addresses {
        signups::Entity::insert(signups::ActiveModel {
            id: NotSet,
            form_id: Set(form.id),
            submission: Set(submission.clone()),
            channel: Set(*channel),
            address: Set(address.clone()),
            first_name: Set(new.first_name.clone()),
            last_name: Set(new.last_name.clone()),
            choices: Set(json!({ "topics": wanted })),
            statement: Set(form.statement.clone()),
            network: Set(origin.network.clone()),
            user_agent: Set(origin.user_agent.clone()),
            // Until it is sent there is no link; each sending makes a new one.
            token_hash: Set(token_hash(&random_token())),
            created_at: Set(now.into()),
            mail_due_at: Set(Some(now.into())),
            mail_attempts: Set(0),
            mailed_at: Set(None),
            problem: Set(None),
            confirmed_at: Set(None),
            contact_id: Set(None),
        })
        .exec_without_returning(&**tx)
        .await?;
    }
    Ok(())
}

/// Puts the person on the club's lists, with what shows that they wanted it. Once; a second time
/// changes nothing.
pub async fn confirm(tx: &Tx, signup: &signups::Model, from: &Origin, now: DateTime<Utc>) -> Result<()> {
    let taken = signups::Entity::update_many()
        .col_expr(signups::Column::ConfirmedAt, Expr::value(now.timestamp_millis()))
        .col_expr(signups::Column::MailDueAt, Expr::value(Option::<i64>::None))
        .filter(signups::Column::Id.eq(signup.id))
        .filter(signups::Column::ConfirmedAt.is_null())
        .exec(&**tx)
        .await?;
    if taken.rows_affected == 0 {
        return Ok(());
    }
    let form = store::find(&**tx, signup.form_id)
        .await?
        .ok_or(AppError::NotFound)?;
    let contact = contact_of(tx, signup, &form, now).await?;
    let source = format!("sign-up form “{}”", form.name);
    let evidence = evidence(signup, from, now);
    let ground = Ground {
        source: &source,
        evidence: &evidence,
        actor: "the contact",
    };
    consent::set(
        tx,
        contact,
        signup.channel,
        ConsentStatus::Subscribed,
        &ground,
        now,
    )
    .await?;
    for (topic, is_wanted) in topics_of(signup) {
        // One that was removed since is nothing to choose.
        if topics::Entity::find_by_id(topic).one(&**tx).await?.is_some() {
            consent::set_topic(tx, contact, topic, is_wanted, &ground, now).await?;
        }
    }
    signups::Entity::update_many()
        .col_expr(signups::Column::ContactId, Expr::value(contact))
        .filter(signups::Column::Id.eq(signup.id))
        .exec(&**tx)
        .await?;
    Ok(())
}

/// The club's contact for a confirmed address: who has it, else who confirmed the other address of
/// the same sign-up, else a new one. Names are the club's where it knows them.
async fn contact_of(
    tx: &Tx,
    signup: &signups::Model,
    form: &signup_forms::Model,
    now: DateTime<Utc>,
) -> Result<i64> {
    let by_address = match signup.channel {
        Channel::Sms => people::by_phone(&**tx, &signup.address).await?,
        _ => people::by_email(&**tx, &signup.address).await?,
    };
    let sibling = signups::Entity::find()
        .filter(signups::Column::Submission.eq(&signup.submission))
        .filter(signups::Column::ContactId.is_not_null())
        .one(&**tx)
        .await?
        .and_then(|other| other.contact_id);
    let known = match (by_address, sibling) {
        (Some(known), _) => Some(known),
        (None, Some(id)) => people::find(&**tx, id).await?,
        (None, None) => None,
    };
    let unnamed = known
        .as_ref()
        .is_none_or(|known| known.first_name.is_empty() && known.last_name.is_empty());
    let mut new = NewContact {
        key: known.as_ref().and_then(|known| known.key.clone()),
        email: known.as_ref().and_then(|known| known.email.clone()),
        phone: known.as_ref().and_then(|known| known.phone.clone()),
        ..NewContact::default()
    };
    let own = match signup.channel {
        Channel::Sms => &mut new.phone,
        _ => &mut new.email,
    };
    own.get_or_insert_with(|| signup.address.clone());
    if unnamed {
        new.first_name.clone_from(&signup.first_name);
        new.last_name.clone_from(&signup.last_name);
    }
    if !form.tag.is_empty() {
        new.added_tags.push(form.tag.clone());
    }
    let source = format!("sign-up form “{}”", form.name);
    let actor = Actor::fairway();
    let (contact, _) = contacts::upsert(tx, &new, &source, false, &actor, now).await?;
    Ok(contact.id)
}

fn topics_of(signup: &signups::Model) -> Vec<(i64, bool)> {
    let chosen = signup.choices.get("topics").and_then(Value::as_object);
    let pairs = chosen.into_iter().flatten();
    pairs
        .filter_map(|(id, yes)| Some((id.parse().ok()?, yes.as_bool()?)))
        .collect()
}

/// What shows later that the person wanted it (GDPR article 7(1); POPIA section 69).
fn evidence(signup: &signups::Model, from: &Origin, now: DateTime<Utc>) -> String {
    format!(
        "Agreed to “{}” with {} on {} from {} ({}); confirmed on {} from {} ({}).",
        signup.statement,
        signup.address,
        signup
            .created_at
            .0
            .to_rfc3339_opts(chrono::SecondsFormat::Secs, true),
        signup.network,
        signup.user_agent,
        now.to_rfc3339_opts(chrono::SecondsFormat::Secs, true),
        from.network,
        from.user_agent,
    )
}

/// Lets go of what is no longer needed.
pub async fn clear(tx: &Tx, now: DateTime<Utc>) -> Result<(), DbErr> {
    signups::Entity::delete_many()
        .filter(signups::Column::CreatedAt.lt((now - KEPT).timestamp_millis()))
        .exec(&**tx)
        .await?;
    Ok(())
}
