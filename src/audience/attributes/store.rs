//! Reading attribute definitions, and who stands on them.

use crate::audience::segments::rule_of;
use crate::db::Sql;
use crate::domain::SegmentKind;
use crate::domain::segment::Field;
use crate::entity::{attribute_definitions, segments};
use sea_orm::{
    ColumnTrait as _, ConnectionTrait, DbErr, EntityTrait as _, QueryFilter as _, QueryOrder as _,
};
use std::collections::HashMap;

/// All of them, by what staff call them.
pub async fn list(db: &impl ConnectionTrait) -> Result<Vec<attribute_definitions::Model>, DbErr> {
    attribute_definitions::Entity::find()
        .order_by_asc(attribute_definitions::Column::Label)
        .order_by_asc(attribute_definitions::Column::Name)
        .all(db)
        .await
}

pub async fn find(
    db: &impl ConnectionTrait,
    name: &str,
) -> Result<Option<attribute_definitions::Model>, DbErr> {
    attribute_definitions::Entity::find_by_id(name).one(db).await
}

/// How many people have a value of each attribute that somebody has.
pub async fn people(db: &impl ConnectionTrait) -> Result<HashMap<String, i64>, DbErr> {
    let sql = Sql::new(db.get_database_backend());
    let names = match sql.is_postgres() {
        true => "SELECT jsonb_object_keys(c.attributes) AS name FROM contacts c",
        false => "SELECT j.key AS name FROM contacts c, json_each(c.attributes) j",
    };
    let text = format!("SELECT n.name, COUNT(*) FROM ({names}) n GROUP BY n.name");
    let rows = db.query_all_raw(sql.statement(text)).await?;
    rows.iter()
        .map(|row| Ok((row.try_get_by_index(0)?, row.try_get_by_index(1)?)))
        .collect()
}

/// The segments whose rule asks about an attribute, archived ones too: they can be brought back.
pub async fn segments_of(db: &impl ConnectionTrait, name: &str) -> Result<Vec<segments::Model>, DbErr> {
    let asked = Field::Attribute(name.to_owned());
    let all = segments::Entity::find()
        .filter(segments::Column::Kind.eq(SegmentKind::Rule))
        .order_by_asc(segments::Column::Name)
        .all(db)
        .await?;
    Ok(all
        .into_iter()
        // A rule that cannot be read may well ask about it.
        .filter(|segment| rule_of(segment).map_or(true, |rule| rule.asks_about(&asked)))
        .collect())
}
