//! A website with a feed, for the tests.

use std::io::{Read as _, Write as _};
use std::sync::{Arc, Mutex};

/// What it answers, and what it was asked.
#[derive(Default)]
struct Shelf {
    status: u16,
    headers: String,
    body: String,
    asked: Vec<String>,
}

/// Serves one document at `/feed`.
pub struct Website {
    /// `http://127.0.0.1:PORT/feed`
    pub url: String,
    shelf: Arc<Mutex<Shelf>>,
}

impl Website {
    pub fn start() -> Self {
        let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        let url = format!("http://{}/feed", listener.local_addr().unwrap());
        let shelf = Arc::new(Mutex::new(Shelf {
            status: 200,
            ..Shelf::default()
        }));
        let kept = shelf.clone();
        std::thread::spawn(move || {
            for stream in listener.incoming() {
                let mut stream = stream.unwrap();
                let mut text = String::new();
                let mut buffer = [0; 4096];
                while !text.contains("\r\n\r\n") {
                    let read = stream.read(&mut buffer).unwrap();
                    if read == 0 {
                        break;
                    }
                    text.push_str(&String::from_utf8_lossy(&buffer[..read]));
                }
                let mut shelf = kept.lock().unwrap();
                shelf.asked.push(text.to_lowercase());
                let is_known =
                    text.to_lowercase().contains("if-none-match: \"v1\"") && shelf.headers.contains("\"v1\"");
                let (status, body) = match is_known {
                    true => (304, ""),
                    false => (shelf.status, shelf.body.as_str()),
                };
                let answer = format!(
                    "HTTP/1.1 {status} Hm\r\n{}Content-Length: {}\r\nConnection: close\r\n\r\n{body}",
                    shelf.headers,
                    body.len()
                );
                // Who asks may hang up over an answer that is too long.
                if stream.write_all(answer.as_bytes()).is_err() {
                    continue;
                }
            }
        });
        Self { url, shelf }
    }

    pub fn serves(&self, body: impl Into<String>) {
        let mut shelf = self.shelf.lock().unwrap();
        (shelf.status, shelf.body) = (200, body.into());
    }

    pub fn answers(&self, status: u16) {
        self.shelf.lock().unwrap().status = status;
    }

    /// Lines of a header, each ended.
    pub fn says(&self, headers: &str) {
        self.shelf.lock().unwrap().headers = headers.into();
    }

    /// The requests that came, in lower case.
    pub fn asked(&self) -> Vec<String> {
        self.shelf.lock().unwrap().asked.clone()
    }

    /// Forgets what it was asked.
    pub fn forget(&self) {
        self.shelf.lock().unwrap().asked.clear();
    }

    /// News, newest first, each published an hour before the one before it.
    pub fn has_news(&self, titles: &[&str]) {
        let items: Vec<_> = titles
            .iter()
            .enumerate()
            .map(|(n, title)| {
                let slug = title.to_lowercase().replace(' ', "-");
                format!(
                    "<item><guid isPermaLink=\"false\">{slug}</guid><title>{title}</title>\
                     <link>https://club.example/{slug}</link><pubDate>Sun, 01 Mar 2026 {:02}:00:00 GMT</pubDate>\
                     <description>&lt;p&gt;About {title}. &lt;a href=\"https://club.example/more/{slug}\"&gt;More&lt;/a&gt;&lt;/p&gt;</description></item>",
                    20 - n
                )
            })
            .collect();
        self.serves(format!(
            "<rss version=\"2.0\"><channel><title>Club news</title><link>https://club.example/</link>\
             <description>d</description>{}</channel></rss>",
            items.concat()
        ));
    }
}
