//! `fairway serve`

use anyhow::Result;
use fairway::accounts::links;
use fairway::app::App;
use fairway::clock::Clock;
use fairway::config::Settings;

/// Serves, after printing how to begin where nobody is staff yet.
pub async fn run(settings: Settings) -> Result<()> {
    let app = App::build(settings, Clock::System).await?;
    if let Some(link) = links::setup_link(&app.cx).await? {
        println!("Nobody is staff yet. Make the first administrator, within 24 hours, at:\n\n  {link}\n");
    }
    app.run().await
}
