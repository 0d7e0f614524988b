//! What campaigns name, segments, topics, templates, by the keys that clients know them by. Looked
//! up for a whole list at once.

use super::draft::Content;
use super::winner;
use crate::domain::Channel;
use crate::entity::{campaign_contents, campaigns, segments, templates, topics};
use sea_orm::{ColumnTrait as _, ConnectionTrait, DbErr, EntityTrait as _, QueryFilter as _};
use std::collections::BTreeMap;

/// The keys of what some campaigns name, and what they say.
#[derive(Clone, Debug, Default)]
pub struct Named {
    segments: BTreeMap<i64, String>,
    topics: BTreeMap<i64, String>,
    templates: BTreeMap<i64, String>,
    contents: BTreeMap<i64, BTreeMap<Channel, Content>>,
}

impl Named {
    /// Looks up what these campaigns name; at most a page of them, because each is a bound value.
    pub async fn by(db: &impl ConnectionTrait, campaigns: &[campaigns::Model]) -> Result<Self, DbErr> {
        let mut named = Self::default();
        let rows = campaign_contents::Entity::find()
            .filter(campaign_contents::Column::CampaignId.is_in(campaigns.iter().map(|row| row.id)))
            .all(db)
            .await?;
        let tried = campaigns.iter().filter_map(winner::experiment);
        let tried = tried.flat_map(|experiment| experiment.templates().collect::<Vec<_>>());
        let used: Vec<_> = rows
            .iter()
            .filter_map(|row| row.template_id)
            .chain(tried)
            .collect();
        for row in rows {
            let content = match row.template_id {
                Some(template) => Content::Template(template),
                None => Content::Inline(row.body),
            };
            let contents = named.contents.entry(row.campaign_id).or_default();
            contents.insert(row.channel, content);
        }
        let found = segments::Entity::find()
            .filter(segments::Column::Id.is_in(campaigns.iter().filter_map(|row| row.segment_id)))
            .all(db)
            .await?;
        named.segments = found.into_iter().map(|row| (row.id, row.key)).collect();
        let found = topics::Entity::find()
            .filter(topics::Column::Id.is_in(campaigns.iter().filter_map(|row| row.topic_id)))
            .all(db)
            .await?;
        named.topics = found.into_iter().map(|row| (row.id, row.key)).collect();
        let found = templates::Entity::find()
            .filter(templates::Column::Id.is_in(used))
            .all(db)
            .await?;
        named.templates = found.into_iter().map(|row| (row.id, row.key)).collect();
        Ok(named)
    }

    pub fn segment(&self, id: i64) -> Option<String> {
        self.segments.get(&id).cloned()
    }

    pub fn topic(&self, id: i64) -> Option<String> {
        self.topics.get(&id).cloned()
    }

    pub fn template(&self, id: i64) -> Option<String> {
        self.templates.get(&id).cloned()
    }

    /// What a campaign says, by channel.
    pub fn contents(&self, campaign: i64) -> impl Iterator<Item = (&Channel, &Content)> {
        self.contents.get(&campaign).into_iter().flatten()
    }
}
