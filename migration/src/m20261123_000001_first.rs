//! The first shape of the database: staff, audience, content, campaigns, ledger.
//!
//! Instants are `BIGINT` milliseconds since 1970 in UTC, so that one SQL text orders and compares
//! them on SQLite and PostgreSQL alike.

use super::schema::{Keys, create, id};
use sea_orm_migration::{prelude::*, schema::*};

#[derive(DeriveMigrationName)]
pub struct Migration;

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        staff(manager).await?;
        audience(manager).await?;
        content(manager).await?;
        campaigns(manager).await?;
        ledger(manager).await?;
        tracking(manager).await
    }
}

/// Staff, their sessions and keys, and what they did.
async fn staff(manager: &SchemaManager<'_>) -> Result<(), DbErr> {
    create(
        manager,
        "users",
        vec![
            id(),
            string("email"),
            string("name"),
            string("role"),
            text("password_hash"),
            string_null("timezone"),
            big_integer("created_at"),
            big_integer("password_changed_at"),
            big_integer_null("disabled_at"),
        ],
        Keys {
            unique: &[&["email"]],
            ..Keys::default()
        },
    )
    .await?;
    create(
        manager,
        "sessions",
        vec![
            string("key_hash"),
            big_integer_null("user_id"),
            json_binary("state"),
            string_null("user_agent"),
            big_integer("created_at"),
            big_integer("expires_at"),
        ],
        Keys {
            primary: &["key_hash"],
            index: &[&["user_id"], &["expires_at"]],
            foreign: &[("user_id", "users", ForeignKeyAction::Cascade)],
            ..Keys::default()
        },
    )
    .await?;
    create(
        manager,
        "sign_in_attempts",
        vec![id(), string("subject"), big_integer("at")],
        Keys {
            index: &[&["subject", "at"]],
            ..Keys::default()
        },
    )
    .await?;
    create(
        manager,
        "one_time_links",
        vec![
            id(),
            string("purpose"),
            string("token_hash"),
            big_integer_null("user_id"),
            big_integer("created_at"),
            big_integer("expires_at"),
            big_integer_null("used_at"),
        ],
        Keys {
            unique: &[&["token_hash"]],
            foreign: &[("user_id", "users", ForeignKeyAction::Cascade)],
            ..Keys::default()
        },
    )
    .await?;
    create(
        manager,
        "api_keys",
        vec![
            id(),
            string("name"),
            string("role"),
            string("key_hash"),
            string("hint"),
            big_integer_null("created_by"),
            big_integer("created_at"),
            big_integer_null("last_used_at"),
            big_integer_null("revoked_at"),
        ],
        Keys {
            unique: &[&["key_hash"]],
            foreign: &[("created_by", "users", ForeignKeyAction::SetNull)],
            ..Keys::default()
        },
    )
    .await?;
    create(
        manager,
        "idempotency_keys",
        vec![
            big_integer("api_key_id"),
            string("key"),
            string("request_hash"),
            integer("status"),
            text("body"),
            big_integer("created_at"),
        ],
        Keys {
            primary: &["api_key_id", "key"],
            index: &[&["created_at"]],
            foreign: &[("api_key_id", "api_keys", ForeignKeyAction::Cascade)],
            ..Keys::default()
        },
    )
    .await?;
    create(
        manager,
        "audit_log",
        vec![
            id(),
            big_integer("at"),
            big_integer_null("user_id"),
            string("actor"),
            string("action"),
            string("subject_kind"),
            big_integer_null("subject_id"),
            json_binary("detail"),
        ],
        Keys {
            index: &[&["subject_kind", "subject_id", "id"]],
            ..Keys::default()
        },
    )
    .await?;
    create(
        manager,
        "settings",
        vec![string("name"), json_binary("value"), big_integer("updated_at")],
        Keys {
            primary: &["name"],
            ..Keys::default()
        },
    )
    .await?;
    create(
        manager,
        "leases",
        vec![string("name"), string("holder"), big_integer("expires_at")],
        Keys {
            primary: &["name"],
            ..Keys::default()
        },
    )
    .await?;
    Ok(())
}

/// The club's people, what they agreed to, and the groups they are in.
async fn audience(manager: &SchemaManager<'_>) -> Result<(), DbErr> {
    create(
        manager,
        "contacts",
        vec![
            id(),
            string_null("key"),
            string_null("email"),
            string_null("phone"),
            string("first_name"),
            string("last_name"),
            string_null("timezone"),
            string_null("locale"),
            json_binary("attributes"),
            text("search"),
            big_integer("created_at"),
            big_integer("updated_at"),
        ],
        Keys {
            unique: &[&["key"], &["email"]],
            index: &[&["last_name", "first_name"], &["created_at"], &["phone"]],
            ..Keys::default()
        },
    )
    .await?;
    create(
        manager,
        "contact_tags",
        vec![big_integer("contact_id"), string("tag")],
        Keys {
            primary: &["contact_id", "tag"],
            index: &[&["tag", "contact_id"]],
            foreign: &[("contact_id", "contacts", ForeignKeyAction::Cascade)],
            ..Keys::default()
        },
    )
    .await?;
    create(
        manager,
        "attribute_definitions",
        vec![
            string("name"),
            string("kind"),
            string("label"),
            big_integer("created_at"),
        ],
        Keys {
            primary: &["name"],
            ..Keys::default()
        },
    )
    .await?;
    create(
        manager,
        "consents",
        vec![
            big_integer("contact_id"),
            string("channel"),
            string("status"),
            string("source"),
            text("evidence"),
            big_integer("at"),
        ],
        Keys {
            primary: &["contact_id", "channel"],
            foreign: &[("contact_id", "contacts", ForeignKeyAction::Cascade)],
            ..Keys::default()
        },
    )
    .await?;
    create(
        manager,
        "consent_log",
        vec![
            id(),
            big_integer("contact_id"),
            string_null("channel"),
            big_integer_null("topic_id"),
            string("status"),
            string("source"),
            text("evidence"),
            string("actor"),
            big_integer("at"),
        ],
        Keys {
            index: &[&["contact_id", "id"]],
            foreign: &[("contact_id", "contacts", ForeignKeyAction::Cascade)],
            ..Keys::default()
        },
    )
    .await?;
    create(
        manager,
        "topics",
        vec![
            id(),
            string("key"),
            string("name"),
            text("description"),
            integer("position"),
            big_integer("created_at"),
            big_integer_null("archived_at"),
        ],
        Keys {
            unique: &[&["key"]],
            ..Keys::default()
        },
    )
    .await?;
    create(
        manager,
        "topic_opt_outs",
        vec![
            big_integer("contact_id"),
            big_integer("topic_id"),
            big_integer("at"),
        ],
        Keys {
            primary: &["contact_id", "topic_id"],
            foreign: &[
                ("contact_id", "contacts", ForeignKeyAction::Cascade),
                ("topic_id", "topics", ForeignKeyAction::Cascade),
            ],
            ..Keys::default()
        },
    )
    .await?;
    create(
        manager,
        "suppressions",
        vec![
            id(),
            string("channel"),
            string("address"),
            string("reason"),
            string("source"),
            text("note"),
            big_integer("at"),
        ],
        Keys {
            unique: &[&["channel", "address"]],
            ..Keys::default()
        },
    )
    .await?;
    create(
        manager,
        "imports",
        vec![
            id(),
            string("state"),
            string("filename"),
            json_binary("columns"),
            json_binary("mapping"),
            json_binary("options"),
            big_integer("total_rows"),
            big_integer("read_rows"),
            big_integer("created_count"),
            big_integer("updated_count"),
            big_integer("refused_count"),
            text_null("error"),
            big_integer_null("created_by"),
            big_integer("created_at"),
            big_integer_null("finished_at"),
        ],
        Keys {
            foreign: &[("created_by", "users", ForeignKeyAction::SetNull)],
            ..Keys::default()
        },
    )
    .await?;
    create(
        manager,
        "import_rows",
        vec![
            big_integer("import_id"),
            big_integer("line"),
            text("raw"),
            json_binary_null("parsed"),
            text_null("refusal"),
        ],
        Keys {
            primary: &["import_id", "line"],
            foreign: &[("import_id", "imports", ForeignKeyAction::Cascade)],
            ..Keys::default()
        },
    )
    .await?;
    create(
        manager,
        "segments",
        vec![
            id(),
            string("key"),
            string("name"),
            string("kind"),
            json_binary("rule"),
            big_integer("created_at"),
            big_integer("updated_at"),
            big_integer_null("archived_at"),
        ],
        Keys {
            unique: &[&["key"]],
            ..Keys::default()
        },
    )
    .await?;
    create(
        manager,
        "segment_members",
        vec![big_integer("segment_id"), big_integer("contact_id")],
        Keys {
            primary: &["segment_id", "contact_id"],
            index: &[&["contact_id"]],
            foreign: &[
                ("segment_id", "segments", ForeignKeyAction::Cascade),
                ("contact_id", "contacts", ForeignKeyAction::Cascade),
            ],
            ..Keys::default()
        },
    )
    .await?;
    Ok(())
}

/// Templates and their versions.
async fn content(manager: &SchemaManager<'_>) -> Result<(), DbErr> {
    create(
        manager,
        "templates",
        vec![
            id(),
            string("key"),
            string("channel"),
            string("name"),
            big_integer_null("version_id"),
            big_integer("created_at"),
            big_integer("updated_at"),
            big_integer_null("archived_at"),
        ],
        Keys {
            unique: &[&["key"]],
            ..Keys::default()
        },
    )
    .await?;
    create(
        manager,
        "template_versions",
        vec![
            id(),
            big_integer("template_id"),
            integer("number"),
            string("subject"),
            string("preheader"),
            string("body_kind"),
            text("body"),
            text_null("text"),
            big_integer_null("created_by"),
            big_integer("created_at"),
        ],
        Keys {
            unique: &[&["template_id", "number"]],
            foreign: &[("template_id", "templates", ForeignKeyAction::Cascade)],
            ..Keys::default()
        },
    )
    .await?;
    Ok(())
}

/// Campaigns, what they say, and their runs.
async fn campaigns(manager: &SchemaManager<'_>) -> Result<(), DbErr> {
    create(
        manager,
        "campaigns",
        vec![
            id(),
            string("name"),
            string("kind"),
            string("status"),
            string("purpose"),
            big_integer_null("topic_id"),
            big_integer_null("segment_id"),
            json_binary("channels"),
            string("timezone"),
            boolean("send_now"),
            big_integer_null("scheduled_at"),
            json_binary_null("recurrence"),
            json_binary_null("trigger"),
            json_binary_null("journey"),
            json_binary_null("goal"),
            string_null("sender_name"),
            string_null("sender_email"),
            string_null("reply_to"),
            string("in_doubt"),
            text_null("pause_reason"),
            big_integer("revision"),
            big_integer_null("created_by"),
            big_integer("created_at"),
            big_integer("updated_at"),
            big_integer_null("started_at"),
            big_integer_null("finished_at"),
        ],
        Keys {
            index: &[&["status", "scheduled_at"], &["created_at"]],
            foreign: &[
                ("segment_id", "segments", ForeignKeyAction::Restrict),
                ("topic_id", "topics", ForeignKeyAction::Restrict),
            ],
            ..Keys::default()
        },
    )
    .await?;
    create(
        manager,
        "campaign_contents",
        vec![
            big_integer("campaign_id"),
            string("channel"),
            big_integer_null("template_id"),
            json_binary("body"),
        ],
        Keys {
            primary: &["campaign_id", "channel"],
            foreign: &[
                ("campaign_id", "campaigns", ForeignKeyAction::Cascade),
                ("template_id", "templates", ForeignKeyAction::Restrict),
            ],
            ..Keys::default()
        },
    )
    .await?;
    create(
        manager,
        "runs",
        vec![
            id(),
            big_integer("campaign_id"),
            integer("number"),
            string("state"),
            big_integer("scheduled_for"),
            big_integer("cursor"),
            big_integer("started_at"),
            big_integer_null("expanded_at"),
            big_integer_null("finished_at"),
            text_null("waiting"),
        ],
        Keys {
            unique: &[&["campaign_id", "number"], &["campaign_id", "scheduled_for"]],
            index: &[&["state"]],
            foreign: &[("campaign_id", "campaigns", ForeignKeyAction::Restrict)],
            ..Keys::default()
        },
    )
    .await?;
    create(
        manager,
        "run_contents",
        vec![
            big_integer("run_id"),
            string("channel"),
            string("step"),
            integer("variant"),
            big_integer("template_version_id"),
        ],
        Keys {
            primary: &["run_id", "channel", "step", "variant"],
            foreign: &[
                ("run_id", "runs", ForeignKeyAction::Cascade),
                (
                    "template_version_id",
                    "template_versions",
                    ForeignKeyAction::Restrict,
                ),
            ],
            ..Keys::default()
        },
    )
    .await?;
    Ok(())
}

/// The ledger and the counts that move with it.
async fn ledger(manager: &SchemaManager<'_>) -> Result<(), DbErr> {
    create(
        manager,
        "deliveries",
        vec![
            id(),
            big_integer("run_id"),
            big_integer("campaign_id"),
            string("step"),
            integer("variant"),
            big_integer_null("contact_id"),
            string("channel"),
            string("instance"),
            integer("lane"),
            string("state"),
            string("address"),
            big_integer("due_at"),
            integer("attempt"),
            string_null("lease_token"),
            big_integer_null("lease_expires_at"),
            big_integer_null("handed_at"),
            string_null("reason"),
            text_null("reply"),
            string_null("message_id"),
            big_integer("created_at"),
            big_integer_null("sent_at"),
            big_integer_null("delivered_at"),
            big_integer_null("bounced_at"),
            big_integer_null("opened_at"),
            big_integer_null("clicked_at"),
            big_integer_null("converted_at"),
            big_integer_null("unsubscribed_at"),
            big_integer_null("complained_at"),
        ],
        Keys {
            unique: &[&["run_id", "step", "contact_id", "channel", "instance"]],
            index: &[
                &["contact_id", "id"],
                &["campaign_id", "state", "id"],
                &["run_id", "state"],
            ],
            foreign: &[
                ("run_id", "runs", ForeignKeyAction::Restrict),
                ("contact_id", "contacts", ForeignKeyAction::SetNull),
            ],
            ..Keys::default()
        },
    )
    .await?;
    create(
        manager,
        "run_counts",
        vec![
            big_integer("run_id"),
            big_integer("campaign_id"),
            string("channel"),
            string("step"),
            integer("variant"),
            big_integer("target"),
            big_integer("queued"),
            big_integer("sent"),
            big_integer("delivered"),
            big_integer("bounced"),
            big_integer("failed"),
            big_integer("skipped"),
            big_integer("cancelled"),
            big_integer("unknown"),
            big_integer("opened"),
            big_integer("clicked"),
            big_integer("converted"),
            big_integer("unsubscribed"),
            big_integer("complained"),
        ],
        Keys {
            primary: &["run_id", "channel", "step", "variant"],
            index: &[&["campaign_id"]],
            foreign: &[("run_id", "runs", ForeignKeyAction::Cascade)],
            ..Keys::default()
        },
    )
    .await?;
    create(
        manager,
        "run_hours",
        vec![
            big_integer("run_id"),
            string("channel"),
            big_integer("hour"),
            big_integer("sent"),
            big_integer("opened"),
            big_integer("clicked"),
        ],
        Keys {
            primary: &["run_id", "channel", "hour"],
            foreign: &[("run_id", "runs", ForeignKeyAction::Cascade)],
            ..Keys::default()
        },
    )
    .await?;
    // The dispatcher's queue: only rows that wait. It is read run by run, so that a paused run with
    // a million rows costs nothing.
    manager
        .get_connection()
        .execute_unprepared(
            "CREATE INDEX idx_deliveries_queue ON deliveries (run_id, channel, lane, due_at, id) \
             WHERE state = 'QUEUED'",
        )
        .await?;
    // What is out on a connection, for the rescue of expired leases.
    manager
        .get_connection()
        .execute_unprepared(
            "CREATE INDEX idx_deliveries_leased ON deliveries (lease_expires_at) WHERE state = 'SENDING'",
        )
        .await?;
    Ok(())
}

/// What came back.
async fn tracking(manager: &SchemaManager<'_>) -> Result<(), DbErr> {
    create(
        manager,
        "links",
        vec![
            id(),
            big_integer("run_id"),
            text("url"),
            string("url_hash"),
            string("label"),
            big_integer("clicks"),
            big_integer("people"),
        ],
        Keys {
            unique: &[&["run_id", "url_hash"]],
            foreign: &[("run_id", "runs", ForeignKeyAction::Cascade)],
            ..Keys::default()
        },
    )
    .await?;
    create(
        manager,
        "link_clicks",
        vec![
            big_integer("link_id"),
            big_integer("delivery_id"),
            big_integer("at"),
        ],
        Keys {
            primary: &["link_id", "delivery_id"],
            foreign: &[
                ("link_id", "links", ForeignKeyAction::Cascade),
                ("delivery_id", "deliveries", ForeignKeyAction::Cascade),
            ],
            ..Keys::default()
        },
    )
    .await?;
    create(
        manager,
        "activities",
        vec![
            id(),
            big_integer("delivery_id"),
            big_integer_null("contact_id"),
            string("kind"),
            big_integer_null("link_id"),
            big_integer("at"),
            json_binary("detail"),
        ],
        Keys {
            index: &[&["delivery_id", "id"], &["contact_id", "id"]],
            foreign: &[("delivery_id", "deliveries", ForeignKeyAction::Cascade)],
            ..Keys::default()
        },
    )
    .await?;
    create(
        manager,
        "events",
        vec![
            id(),
            string_null("external_id"),
            string("name"),
            big_integer_null("contact_id"),
            string("contact_ref"),
            json_binary("properties"),
            big_integer("occurred_at"),
            big_integer("received_at"),
        ],
        Keys {
            unique: &[&["external_id"]],
            index: &[&["contact_id", "name", "occurred_at"]],
            foreign: &[("contact_id", "contacts", ForeignKeyAction::SetNull)],
            ..Keys::default()
        },
    )
    .await?;
    create(
        manager,
        "captured_messages",
        vec![
            id(),
            string("channel"),
            big_integer_null("delivery_id"),
            big_integer_null("campaign_id"),
            string("sender"),
            string("recipient"),
            string("subject"),
            text("html"),
            text("text"),
            text("raw"),
            big_integer("at"),
        ],
        Keys {
            index: &[&["campaign_id", "id"], &["delivery_id"]],
            ..Keys::default()
        },
    )
    .await?;
    Ok(())
}
