//! A publisher as the adapter that dispatch speaks to.

use super::{Job, Published, Publisher};
use crate::messaging::{
    Adapter, Checking, Engaging, Found, LookingUp, Outgoing, Receipt, SendError, Sending,
};

/// One account.
pub struct Account<P>(pub P);

impl<P: Publisher> Account<P> {
    fn job<'a>(message: &'a Outgoing) -> Result<Job<'a>, SendError> {
        match message.post.as_deref() {
            Some(post) => Ok(Job { post, message }),
            None => Err(SendError::Permanent {
                reply: "This is no post.".into(),
            }),
        }
    }
}

impl<P: Publisher> Adapter for Account<P> {
    fn send<'a>(&'a self, message: &'a Outgoing) -> Sending<'a> {
        Box::pin(async move { Ok(receipt(self.0.publish(Self::job(message)?).await?)) })
    }

    fn check(&self) -> Checking<'_> {
        self.0.check()
    }

    fn look_up<'a>(&'a self, message: &'a Outgoing) -> LookingUp<'a> {
        Box::pin(async move {
            Ok(match self.0.find(Self::job(message)?).await? {
                Some(published) => Found::Taken(receipt(published)),
                None => Found::Not,
            })
        })
    }

    fn engagement<'a>(&'a self, _account: &'a str, id: &'a str) -> Engaging<'a> {
        Box::pin(async move { self.0.engagement(id).await.map(Some) })
    }

    fn connections(&self) -> usize {
        1
    }

    fn place(&self) -> String {
        self.0.place()
    }
}

fn receipt(published: Published) -> Receipt {
    Receipt {
        reply: "published".into(),
        is_delivered: true,
        captured: None,
        provider_id: Some(published.id),
        permalink: published.permalink,
    }
}
