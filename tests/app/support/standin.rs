//! A stand-in for a platform's server: keeps what it is asked, and answers as a test says, or hangs
//! up when it has taken it.
#![allow(dead_code)] // a door for every area; not each uses all of it

use serde_json::Value;
use std::sync::{Arc, Mutex};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};

/// A request as it came.
#[derive(Clone, Debug, Default)]
pub struct Asked {
    pub method: String,
    /// With its query.
    pub path: String,
    /// Names in lower case.
    pub headers: Vec<(String, String)>,
    pub body: Vec<u8>,
}

impl Asked {
    pub fn header(&self, name: &str) -> &str {
        let found = self.headers.iter().find(|(known, _)| known == name);
        found.map_or("", |(_, value)| value)
    }

    /// `POST /2/tweets`, without the query.
    pub fn line(&self) -> String {
        format!("{} {}", self.method, self.path.split('?').next().unwrap())
    }

    pub fn json(&self) -> Value {
        serde_json::from_slice(&self.body).unwrap_or_default()
    }

    pub fn text(&self) -> String {
        String::from_utf8_lossy(&self.body).into_owned()
    }

    /// A field of a form, or of the query.
    pub fn field(&self, name: &str) -> String {
        let query = self.path.split_once('?').map_or("", |(_, query)| query);
        let both = [query.as_bytes(), &self.body];
        let mut fields = both.into_iter().flat_map(url::form_urlencoded::parse);
        let found = fields.find(|(known, _)| known == name);
        found.map(|(_, value)| value.into_owned()).unwrap_or_default()
    }
}

/// What is answered.
#[derive(Clone, Debug)]
pub enum Told {
    Json(u16, Value),
    Whole(u16, Vec<(&'static str, String)>, Vec<u8>),
    /// Taken, and nothing said.
    HangUp,
    /// Taken, and nothing said for as long as anybody waits.
    Silence,
}

pub struct StandIn {
    pub address: String,
    asked: Arc<Mutex<Vec<Asked>>>,
}

impl StandIn {
    pub async fn start(answer: impl Fn(&Asked) -> Told + Send + Sync + 'static) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = format!("http://{}", listener.local_addr().unwrap());
        let asked = Arc::<Mutex<Vec<Asked>>>::default();
        let (kept, answer) = (asked.clone(), Arc::new(answer));
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                let (kept, answer) = (kept.clone(), answer.clone());
                tokio::spawn(async move { serve(stream, &kept, &*answer).await });
            }
        });
        Self { address, asked }
    }

    /// Everything it was asked, in order.
    pub fn asked(&self) -> Vec<Asked> {
        self.asked.lock().unwrap().clone()
    }

    /// Those of a line, such as `POST /api/v1/statuses`.
    pub fn of(&self, line: &str) -> Vec<Asked> {
        self.asked()
            .into_iter()
            .filter(|asked| asked.line() == line)
            .collect()
    }
}

async fn serve(mut stream: TcpStream, kept: &Mutex<Vec<Asked>>, answer: &(impl Fn(&Asked) -> Told + Sync)) {
    let Some(asked) = read(&mut stream).await else {
        return;
    };
    let told = answer(&asked);
    kept.lock().unwrap().push(asked);
    let (status, headers, body) = match told {
        Told::HangUp => return,
        Told::Silence => return std::future::pending().await,
        Told::Json(status, json) => (
            status,
            vec![("Content-Type", "application/json".to_owned())],
            json.to_string().into_bytes(),
        ),
        Told::Whole(status, headers, body) => (status, headers, body),
    };
    let mut head = format!(
        "HTTP/1.1 {status} Told\r\nContent-Length: {}\r\nConnection: close\r\n",
        body.len()
    );
    for (name, value) in headers {
        head.push_str(&format!("{name}: {value}\r\n"));
    }
    head.push_str("\r\n");
    stream.write_all(head.as_bytes()).await.unwrap();
    stream.write_all(&body).await.unwrap();
    stream.shutdown().await.unwrap_or_default();
}

async fn read(stream: &mut TcpStream) -> Option<Asked> {
    let mut bytes = Vec::new();
    let end = loop {
        if let Some(at) = bytes.windows(4).position(|four| four == b"\r\n\r\n") {
            break at + 4;
        }
        if stream.read_buf(&mut bytes).await.ok()? == 0 {
            return None;
        }
    };
    let head = String::from_utf8_lossy(&bytes[..end]).into_owned();
    let mut lines = head.lines();
    let mut first = lines.next()?.split(' ');
    let mut asked = Asked {
        method: first.next()?.to_owned(),
        path: first.next()?.to_owned(),
        ..Asked::default()
    };
    for (name, value) in lines.filter_map(|line| line.split_once(':')) {
        asked.headers.push((name.to_lowercase(), value.trim().to_owned()));
    }
    assert_eq!(
        asked.header("transfer-encoding"),
        "",
        "bodies come with their length"
    );
    let length = asked.header("content-length").parse().unwrap_or(0_usize);
    while bytes.len() < end + length {
        if stream.read_buf(&mut bytes).await.ok()? == 0 {
            return None;
        }
    }
    asked.body = bytes[end..end + length].to_vec();
    Some(asked)
}
