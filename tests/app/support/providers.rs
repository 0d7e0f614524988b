//! Providers as an administrator enters them.
#![allow(dead_code)] // each area uses what it needs

use super::staff::SignedIn;

impl SignedIn {
    /// Adds a provider by its form, and answers its id.
    pub async fn add_provider(&self, kind: &str, fields: &[(&'static str, String)]) -> i64 {
        let fields: Vec<_> = fields
            .iter()
            .map(|(name, value)| (*name, value.as_str()))
            .collect();
        let answer = self
            .post(&format!("/settings/channels/new?kind={kind}"), &fields)
            .await;
        let status = answer.status();
        let location = answer
            .headers()
            .get("location")
            .map(|at| at.to_str().unwrap().to_owned());
        let Some(location) = location else {
            panic!("{status}: {}", answer.text().await.unwrap());
        };
        location.rsplit('/').next().unwrap().parse().unwrap()
    }

    /// Adds one and puts it to work.
    pub async fn activate_provider(&self, kind: &str, fields: &[(&'static str, String)]) -> i64 {
        let id = self.add_provider(kind, fields).await;
        self.post(&format!("/settings/channels/{id}/activate"), &[]).await;
        let page = self.page(&format!("/settings/channels/{id}")).await;
        assert!(page.contains("It is active."), "{page}");
        id
    }
}
