//! `fairway demo`

use anyhow::Result;
use fairway::app::App;
use fairway::clock::Clock;
use fairway::config::Settings;
use fairway::demo;

/// Loads the demo club afresh, prints how to enter, and serves it.
pub async fn run(mut settings: Settings) -> Result<()> {
    demo::prepare(&mut settings)?;
    let key = std::env::var("FAIRWAY_DEMO_KEY").ok();
    let app = App::build(settings, Clock::System).await?;
    let sign_in = demo::load(&app.cx, key.as_deref()).await?;
    println!(
        "The demo club is ready.\n\n  Open      {}\n  E-mail    {}\n  Password  {}\n\n\
         It starts afresh each time; what is changed here is gone with the next start.\n",
        app.cx.settings.base(),
        sign_in.email,
        sign_in.password
    );
    app.run().await
}
