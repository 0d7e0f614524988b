//! From nothing to a connection that takes messages: TCP, TLS, greeting, EHLO, sign-in. Whatever
//! goes wrong here says nothing of any message.

use super::Deadlines;
use super::connection::{Connection, Stream};
use super::reply::{Failure, Stage};
use super::server::{Encryption, Server};
use super::tls::Tls;
use lettre::transport::smtp::authentication::{Credentials, DEFAULT_MECHANISMS};
use lettre::transport::smtp::commands::{Auth, Ehlo, Starttls};
use lettre::transport::smtp::extension::Extension;
use tokio::net::TcpStream;
use tokio::time::timeout;

/// Opens a connection and signs in.
pub async fn connect(server: &Server, tls: &Tls, deadlines: Deadlines) -> Result<Connection, Failure> {
    let stream = dial(server, deadlines).await?;
    let stream: Box<dyn Stream> = match server.encryption {
        Encryption::Immediate => encrypt(Box::new(stream), server, tls, deadlines).await?,
        _ => Box::new(stream),
    };
    let mut connection = Connection::new(stream, deadlines);
    connection.hear(Stage::Session).await?;
    greet(&mut connection, server).await?;
    let offers = connection.info.supports_feature(Extension::StartTls);
    match server.encryption {
        Encryption::Required if !offers => {
            return Err(Failure::lost(format!(
                "{} offers no encryption (STARTTLS), and nothing is sent to it without; \
                 tls=none in FAIRWAY_SMTP_URL would allow it",
                server.place()
            )));
        }
        Encryption::Required | Encryption::Offered if offers => {
            connection.ask(Starttls, Stage::Session).await?;
            let stream = encrypt(connection.into_stream()?, server, tls, deadlines).await?;
            connection = Connection::new(stream, deadlines);
            // What it offered before says nothing now (RFC 3207, 4.2).
            greet(&mut connection, server).await?;
        }
        _ => {}
    }
    if let Some(credentials) = &server.credentials {
        sign_in(&mut connection, server, credentials).await?;
    }
    Ok(connection)
}

async fn dial(server: &Server, deadlines: Deadlines) -> Result<TcpStream, Failure> {
    let connecting = TcpStream::connect((server.host.as_str(), server.port));
    let stream = match timeout(deadlines.connect, connecting).await {
        Ok(Ok(stream)) => stream,
        Ok(Err(error)) => {
            return Err(Failure::lost(format!(
                "{} cannot be reached: {error}",
                server.place()
            )));
        }
        Err(_) => return Err(Failure::lost(format!("{} does not answer", server.place()))),
    };
    // A message is several small writes, each of which would wait for the other side's ACK.
    stream
        .set_nodelay(true)
        .map_err(|error| Failure::lost(error.to_string()))?;
    Ok(stream)
}

async fn encrypt(
    stream: Box<dyn Stream>,
    server: &Server,
    tls: &Tls,
    deadlines: Deadlines,
) -> Result<Box<dyn Stream>, Failure> {
    let handshake = tls.connector.connect(tls.name.clone(), stream);
    match timeout(deadlines.tls, handshake).await {
        Ok(Ok(stream)) => Ok(Box::new(stream)),
        Ok(Err(error)) => Err(Failure::lost(format!(
            "No encrypted connection to {}: {error}",
            server.place()
        ))),
        Err(_) => Err(Failure::lost(format!(
            "No encrypted connection to {} in time",
            server.place()
        ))),
    }
}

async fn greet(connection: &mut Connection, server: &Server) -> Result<(), Failure> {
    let reply = connection
        .ask(Ehlo::new(server.hello.clone()), Stage::Session)
        .await?;
    connection.learn(&reply)
}

/// AUTH PLAIN, or LOGIN where that alone is offered (RFC 4954).
async fn sign_in(
    connection: &mut Connection,
    server: &Server,
    credentials: &Credentials,
) -> Result<(), Failure> {
    let mechanism = connection
        .info
        .get_auth_mechanism(DEFAULT_MECHANISMS)
        .ok_or_else(|| {
            Failure::lost(format!(
                "{} offers no sign-in with a password (AUTH PLAIN or LOGIN)",
                server.place()
            ))
        })?;
    let no_answer = |_| Failure::lost("The mail server asked for something else than a name and a password");
    let first = Auth::new(mechanism, credentials.clone(), None).map_err(no_answer)?;
    let mut reply = connection.ask(first, Stage::Session).await?;
    // LOGIN asks twice.
    for _ in 0..3 {
        if !reply.has_code(334) {
            return Ok(());
        }
        let next = Auth::new_from_response(mechanism, credentials.clone(), &reply).map_err(no_answer)?;
        reply = connection.ask(next, Stage::Session).await?;
    }
    Err(Failure::lost("The mail server's sign-in does not end"))
}
