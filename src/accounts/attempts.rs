//! Slows down guessing. An attempt is written before the password is looked at and struck out when
//! it was right, so that guesses made at the same time are counted too.

use crate::context::Context;
use crate::entity::sign_in_attempts as attempts;
use crate::web::Result;
use actix_web::HttpRequest;
use chrono::{DateTime, TimeDelta, Utc};
use sea_orm::ActiveValue::{NotSet, Set};
use sea_orm::{
    ColumnTrait as _, Condition, EntityTrait as _, QueryFilter as _, QueryOrder as _, QuerySelect as _,
};
use std::net::IpAddr;

/// For how long a failure counts.
const WINDOW: TimeDelta = TimeDelta::minutes(15);
/// Failures for one e-mail address within the window.
const PER_EMAIL: u64 = 5;
/// Failures from one network address: more, because a clubhouse shares one.
const PER_ADDRESS: u64 = 25;

/// An attempt that was let through.
pub struct Attempt {
    email: String,
    id: i64,
}

/// What to do with an attempt.
pub enum Verdict {
    Admitted(Attempt),
    /// Refused; seconds until the next one would be let through.
    Wait(u64),
}

/// Counts an attempt for an e-mail address from a network address.
pub async fn admit(cx: &Context, email: &str, from: &str) -> Result<Verdict> {
    let by_email = format!("email:{email}");
    let by_address = format!("ip:{from}");
    let limits = [(&by_email, PER_EMAIL), (&by_address, PER_ADDRESS)];
    for (subject, limit) in limits {
        if let Some(seconds) = wait(cx, subject, limit).await? {
            return Ok(Verdict::Wait(seconds));
        }
    }
    let now = cx.clock.now();
    let row = |subject: &str| attempts::ActiveModel {
        id: NotSet,
        subject: Set(subject.to_owned()),
        at: Set(now.into()),
    };
    let tx = cx.db.begin().await?;
    attempts::Entity::insert(row(&by_email))
        .exec_without_returning(&*tx)
        .await?;
    let id = attempts::Entity::insert(row(&by_address))
        .exec(&*tx)
        .await?
        .last_insert_id;
    tx.commit().await?;
    // Asked again after the commit: of guesses made at once, no more than the limit get through.
    for (subject, limit) in limits {
        if let Some(seconds) = wait(cx, subject, limit + 1).await? {
            return Ok(Verdict::Wait(seconds));
        }
    }
    Ok(Verdict::Admitted(Attempt { email: by_email, id }))
}

impl Attempt {
    /// The password was right: the failures for the e-mail address are forgotten, and of those
    /// from the network address this one.
    pub async fn strike_out(&self, tx: &crate::db::Tx) -> Result<()> {
        attempts::Entity::delete_many()
            .filter(
                Condition::any()
                    .add(attempts::Column::Subject.eq(&self.email))
                    .add(attempts::Column::Id.eq(self.id)),
            )
            .exec(&**tx)
            .await?;
        Ok(())
    }
}

/// Seconds to wait where `limit` attempts were made within the window.
async fn wait(cx: &Context, subject: &str, limit: u64) -> Result<Option<u64>> {
    let now = cx.clock.now();
    let since = now - WINDOW;
    let decisive = attempts::Entity::find()
        .filter(attempts::Column::Subject.eq(subject))
        .filter(attempts::Column::At.gt(since.timestamp_millis()))
        .order_by_desc(attempts::Column::Id)
        .offset(limit - 1)
        .limit(1)
        .one(&*cx.db)
        .await?;
    Ok(decisive.map(|row| seconds_until(row.at.0 + WINDOW, now)))
}

fn seconds_until(then: DateTime<Utc>, now: DateTime<Utc>) -> u64 {
    u64::try_from((then - now).num_seconds()).unwrap_or(0).max(1)
}

/// The network address a request came from. A proxy on the machine or in a private network is
/// believed about whom it speaks for: the last entry is the one it wrote itself.
pub fn address(request: &HttpRequest) -> String {
    let Some(peer) = request.peer_addr().map(|peer| peer.ip()) else {
        return "unknown".into();
    };
    let is_ours = match peer {
        IpAddr::V4(ip) => ip.is_loopback() || ip.is_private(),
        IpAddr::V6(ip) => ip.is_loopback() || ip.is_unique_local(),
    };
    let forwarded = request
        .headers()
        .get_all("x-forwarded-for")
        .last()
        .and_then(|value| value.to_str().ok())
        .and_then(|list| list.rsplit(',').next())
        .and_then(|last| last.trim().parse::<IpAddr>().ok())
        .filter(|_| is_ours);
    forwarded.unwrap_or(peer).to_string()
}
