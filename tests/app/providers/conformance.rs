//! One suite for every adapter: a new one adds its stand-in and a line at the end.

use crate::support::TestApp;
use crate::support::gateways::{AfricasTalking, BulkSms, Clickatell};
use crate::support::stand_in::{Act, StandIn};
use crate::support::twilio::TwilioServer;
use fairway::messaging::{Adapter, SendError};
use fairway::providers::kinds::{self, Values};
use std::sync::Arc;
use std::time::Duration;

fn adapter(app: &TestApp, kind: &str, fields: Vec<(&'static str, String)>) -> Arc<dyn Adapter> {
    let kind = kinds::find(kind).unwrap();
    let mut values: Values = kind.usual();
    for (name, value) in fields {
        values.set(name, value);
    }
    (kind.build)(&values, &app.cx).unwrap_or_else(|errors| panic!("{errors:?}"))
}

/// Whatever an adapter says to staff, the password is not in it.
fn has_no_secret<S: StandIn>(server: &S, said: &str) {
    let fields = server.fields();
    let (_, secret) = fields.iter().find(|(name, _)| *name == S::SECRET).unwrap();
    assert!(!said.contains(secret.as_str()), "{said}");
}

async fn conforms<S: StandIn>() {
    let app = TestApp::spawn().await;
    let server = S::start().await;
    let good = adapter(&app, S::KIND, server.fields());
    let message = S::message();
    good.check().await.unwrap();
    has_no_secret(&server, &good.place());

    // Taken.
    let receipt = good.send(&message).await.unwrap();
    assert_eq!(server.taken(), 1);
    assert!(receipt.provider_id.is_some_and(|id| !id.is_empty()));
    assert_eq!(receipt.captured, None);
    has_no_secret(&server, &receipt.reply);

    // Refused for good: never tried again.
    server.next(Act::RefuseForGood);
    let error = good.send(&message).await.unwrap_err();
    assert!(matches!(error, SendError::Permanent { .. }), "{error:?}");
    has_no_secret(&server, &error.to_string());

    // Refused for now: tried again, not before the provider says.
    server.next(Act::RefuseForNow(7));
    let error = good.send(&message).await.unwrap_err();
    let SendError::Temporary { retry_after, .. } = &error else {
        panic!("{error:?}");
    };
    assert_eq!(*retry_after, Some(Duration::from_secs(7)));

    // Gone with the request in hand: nobody knows.
    server.next(Act::HangUp);
    let error = good.send(&message).await.unwrap_err();
    assert!(matches!(error, SendError::Ambiguous { .. }), "{error:?}");

    // And afterwards all is as before.
    good.send(&message).await.unwrap();
    assert_eq!(server.taken(), 2);

    // A wrong password: no message's fault, and said in a sentence.
    let mut fields = server.fields();
    for (name, value) in &mut fields {
        if *name == S::SECRET {
            *value = "wrong".into();
        }
    }
    let wrong = adapter(&app, S::KIND, fields);
    let error = wrong.send(&message).await.unwrap_err();
    assert!(matches!(error, SendError::Unreachable { .. }), "{error:?}");
    let error = wrong.check().await.unwrap_err();
    assert!(matches!(error, SendError::Unreachable { .. }), "{error:?}");
    assert!(
        error.to_string().ends_with('.') && error.to_string().contains(' '),
        "{error}"
    );
    assert_eq!(server.taken(), 2);

    // Nobody there.
    drop(server);
    let error = good.send(&message).await.unwrap_err();
    assert!(
        matches!(error, SendError::Unreachable { .. } | SendError::Ambiguous { .. }),
        "{error:?}"
    );
    let fresh = adapter(&app, S::KIND, S::start().await.fields());
    let error = fresh.send(&message).await.unwrap_err();
    assert!(matches!(error, SendError::Unreachable { .. }), "{error:?}");
}

async fn waits_for_no_silent_server<S: StandIn>() {
    let app = TestApp::spawn().await;
    let server = S::start().await;
    let adapter = adapter(&app, S::KIND, server.fields());
    server.next(Act::Silence);
    let waited = tokio::time::timeout(Duration::from_secs(30), adapter.send(&S::message())).await;
    let error = waited.expect("an end to the waiting").unwrap_err();
    assert!(matches!(error, SendError::Ambiguous { .. }), "{error:?}");
}

/// A module of tests for each adapter.
macro_rules! conform {
    ($($name:ident: $server:ty,)+) => {$(
        mod $name {
            use super::*;

            #[tokio::test]
            async fn conforms() {
                super::conforms::<$server>().await;
            }

            #[tokio::test]
            async fn waits_for_no_silent_server() {
                super::waits_for_no_silent_server::<$server>().await;
            }
        }
    )+};
}

conform! {
    twilio: TwilioServer,
    clickatell: Clickatell,
    bulksms: BulkSms,
    africas_talking: AfricasTalking,
}
