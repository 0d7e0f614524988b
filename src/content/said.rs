//! What a variant of a campaign says otherwise than its template and its campaign.

use crate::entity::{campaigns, run_contents, template_versions};
use serde::{Deserialize, Serialize};
use serde_json::Value;

/// Kept with the version that a run sends.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct Said {
    #[serde(skip_serializing_if = "Option::is_none")]
    pub subject: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub sender_name: Option<String>,
}

impl Said {
    pub fn of(content: &run_contents::Model) -> Self {
        let said = content.said.clone().map(serde_json::from_value);
        said.and_then(Result::ok).unwrap_or_default()
    }

    /// For the database; `None` where it says nothing of its own.
    pub fn to_json(&self) -> Option<Value> {
        serde_json::to_value(self)
            .ok()
            .filter(|_| *self != Self::default())
    }

    /// The template's version with its subject.
    pub fn version(&self, mut version: template_versions::Model) -> template_versions::Model {
        if let Some(subject) = &self.subject {
            version.subject.clone_from(subject);
        }
        version
    }

    /// The campaign with its sender, where that is another.
    pub fn campaign(&self, campaign: &campaigns::Model) -> Option<campaigns::Model> {
        let name = self.sender_name.clone()?;
        Some(campaigns::Model {
            sender_name: Some(name),
            ..campaign.clone()
        })
    }
}
