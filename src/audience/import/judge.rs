//! What becomes of each line of a file. The preview and the import ask the same judge, so that the
//! one says what the other does.

use super::{Line, sentence};
use crate::accounts::Actor;
use crate::audience::contacts::batch::{Batch, Manner, Put};
use crate::db::Tx;
use crate::domain::contact::NewContact;
use sea_orm::{ConnectionTrait, DbErr};
use std::collections::HashMap;

/// Someone who was put, or why the line is refused.
pub(super) type Verdict = Result<Put, String>;

pub(super) struct Judge<'a> {
    batch: Batch,
    seen: Seen,
    manner: Manner<'a>,
}

impl<'a> Judge<'a> {
    pub async fn open(db: &impl ConnectionTrait, manner: Manner<'a>) -> Result<Self, DbErr> {
        Ok(Self {
            batch: Batch::open(db).await?,
            seen: Seen::default(),
            manner,
        })
    }

    /// Judges lines, one after another, each as if those before it were written.
    pub async fn judge(&mut self, db: &impl ConnectionTrait, lines: &[Line]) -> Result<Vec<Verdict>, DbErr> {
        let news: Vec<_> = lines
            .iter()
            .filter_map(|line| line.contact.as_ref().ok())
            .collect();
        self.batch.look_up(db, &news).await?;
        Ok(lines.iter().map(|line| self.judge_one(line)).collect())
    }

    fn judge_one(&mut self, line: &Line) -> Verdict {
        let new = line.contact.as_ref().map_err(Clone::clone)?;
        if let Some(reason) = self.seen.before(new) {
            return Err(reason);
        }
        let put = self
            .batch
            .put(new, &self.manner)
            .map_err(|errors| sentence(&errors))?;
        self.seen.add(new, line.number);
        Ok(put)
    }

    /// Writes those who were put.
    pub async fn write(&mut self, tx: &Tx, actor: &Actor) -> Result<(), DbErr> {
        self.batch.write(tx, actor, self.manner.now).await?;
        self.batch.clear();
        Ok(())
    }

    /// For who will never write: lets go of what does not decide about later lines.
    pub fn slim(&mut self) {
        self.batch.slim();
    }
}

/// Who was in the file already, and where.
#[derive(Default)]
struct Seen {
    keys: HashMap<String, u64>,
    emails: HashMap<String, u64>,
}

impl Seen {
    fn before(&self, new: &NewContact) -> Option<String> {
        let key = new.key.as_ref().and_then(|key| self.keys.get(key));
        let email = new.email.as_ref().and_then(|email| self.emails.get(email));
        match (key, email) {
            (Some(line), _) => Some(format!("This has the same key as line {line}.")),
            (None, Some(line)) => Some(format!("This has the same e-mail as line {line}.")),
            (None, None) => None,
        }
    }

    fn add(&mut self, new: &NewContact, line: u64) {
        if let Some(key) = &new.key {
            self.keys.insert(key.clone(), line);
        }
        if let Some(email) = &new.email {
            self.emails.insert(email.clone(), line);
        }
    }
}
