//! A table in one call: columns, then keys.

use sea_orm_migration::prelude::*;

/// The keys of a table beside its `id`.
#[derive(Default)]
pub struct Keys {
    /// The primary key, where it is not `id`.
    pub primary: &'static [&'static str],
    pub unique: &'static [&'static [&'static str]],
    pub index: &'static [&'static [&'static str]],
    /// Column, the table whose `id` it names, and what a delete there does here.
    pub foreign: &'static [(&'static str, &'static str, ForeignKeyAction)],
}

/// The usual primary key: a number that the database counts up.
pub fn id() -> ColumnDef {
    ColumnDef::new("id")
        .big_integer()
        .not_null()
        .auto_increment()
        .primary_key()
        .take()
}

/// Makes a table with its keys and indexes.
pub async fn create(
    manager: &SchemaManager<'_>,
    table: &'static str,
    columns: Vec<ColumnDef>,
    keys: Keys,
) -> Result<(), DbErr> {
    let mut statement = Table::create().table(table).take();
    for mut column in columns {
        statement.col(&mut column);
    }
    if !keys.primary.is_empty() {
        let mut primary = Index::create().take();
        for column in keys.primary {
            primary.col(*column);
        }
        statement.primary_key(&mut primary);
    }
    for (column, target, on_delete) in keys.foreign {
        statement.foreign_key(
            ForeignKey::create()
                .from(table, *column)
                .to(*target, "id")
                .on_delete(*on_delete),
        );
    }
    manager.create_table(statement).await?;
    for (columns, unique) in
        (keys.unique.iter().map(|c| (c, true))).chain(keys.index.iter().map(|c| (c, false)))
    {
        let mut index = Index::create()
            .name(format!("idx_{table}_{}", columns.join("_")))
            .table(table)
            .take();
        for column in *columns {
            index.col(*column);
        }
        if unique {
            index.unique();
        }
        manager.create_index(index).await?;
    }
    Ok(())
}
