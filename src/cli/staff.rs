//! `fairway user create` and `fairway key create`

use anyhow::{Context as _, Result, anyhow, bail};
use clap::Subcommand;
use fairway::accounts::audit::{self, Subject};
use fairway::accounts::links::{self, Opens};
use fairway::accounts::passwords::NewPassword;
use fairway::accounts::staff_commands::{self, NewUser};
use fairway::accounts::{Actor, keys};
use fairway::clock::Clock;
use fairway::config::Settings;
use fairway::domain::Role;
use fairway::web::{AppError, FormErrors};
use serde_json::json;
use std::io::BufRead as _;

#[derive(Subcommand)]
pub enum UserCommand {
    /// Make a member of staff. Prints a link by which they choose a password, unless one is given.
    Create {
        #[arg(long)]
        email: String,
        /// viewer, manager or admin
        #[arg(long)]
        role: String,
        /// Read the password from the first line of standard input.
        #[arg(long)]
        password_stdin: bool,
        /// What they are called; the e-mail address when it is not said.
        #[arg(long)]
        name: Option<String>,
    },
}

#[derive(Subcommand)]
pub enum KeyCommand {
    /// Make a key and print it, alone, on standard output. It cannot be read again.
    Create {
        #[arg(long)]
        name: String,
        /// viewer, manager or admin
        #[arg(long)]
        role: String,
    },
}

/// Who acts, in the audit trail.
fn actor() -> Actor {
    Actor {
        user_id: None,
        name: "Command line".into(),
    }
}

pub async fn user(settings: Settings, command: UserCommand) -> Result<()> {
    let UserCommand::Create {
        email,
        role,
        password_stdin,
        name,
    } = command;
    let name = name.unwrap_or_else(|| email.split('@').next().unwrap_or_default().to_owned());
    let mut new = NewUser::parse(&name, &email, &role).map_err(in_one_sentence)?;
    if password_stdin {
        let password = NewPassword::parse(&first_line()?, &new.email)
            .map_err(|sentence| anyhow!("The password is refused. {sentence}"))?;
        new.password_hash = password.hash().await.map_err(plain)?;
    }
    let db = super::open(&settings).await?;
    let now = Clock::System.now();
    let tx = db.begin().await?;
    let user = staff_commands::create_user(&tx, new, &actor(), now)
        .await
        .map_err(plain)?;
    let token = match password_stdin {
        true => None,
        false => Some(links::issue(&tx, Opens::Password(user.id), now).await?),
    };
    tx.commit().await?;
    eprintln!("{} is made, as {}.", user.email, user.role);
    if let Some(token) = token {
        println!("{}", links::join_url(&settings, &token));
    }
    Ok(())
}

pub async fn key(settings: Settings, command: KeyCommand) -> Result<()> {
    let KeyCommand::Create { name, role } = command;
    let (name, role): (String, Role) = keys::parse(&name, &role).map_err(in_one_sentence)?;
    let db = super::open(&settings).await?;
    let now = Clock::System.now();
    let tx = db.begin().await?;
    let key = keys::create(&tx, &name, role, None, now).await?;
    let detail = json!({"name": name, "role": role});
    audit::record(&tx, now, &actor(), "created", Subject("API key", None), detail).await?;
    tx.commit().await?;
    println!("{key}");
    Ok(())
}

/// The password, without the end of its line.
fn first_line() -> Result<String> {
    let mut line = String::new();
    std::io::stdin()
        .lock()
        .read_line(&mut line)
        .context("The password cannot be read from standard input")?;
    let password = line.trim_end_matches(['\r', '\n']);
    if password.is_empty() {
        bail!("Standard input holds no password");
    }
    Ok(password.to_owned())
}

fn in_one_sentence(errors: FormErrors) -> anyhow::Error {
    let words: Vec<String> = errors
        .0
        .iter()
        .map(|error| match error.field.is_empty() {
            true => error.message.clone(),
            false => format!("--{}: {}", error.field, error.message),
        })
        .collect();
    anyhow!("{}", words.join(" "))
}

fn plain(error: AppError) -> anyhow::Error {
    match error {
        AppError::Invalid(errors) => in_one_sentence(errors),
        AppError::Internal(cause) | AppError::Unavailable(cause) => cause,
        other => other.into(),
    }
}
