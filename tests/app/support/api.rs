//! A program that talks to the JSON API.
#![allow(dead_code)] // a door for every area; not each uses all of it

use super::TestApp;
use fairway::domain::Role;
use reqwest::{Method, RequestBuilder};
use serde_json::Value;

/// A client with a key of its own.
pub struct Program {
    key: String,
    http: reqwest::Client,
    base: String,
}

/// What it was answered.
#[derive(Debug)]
pub struct Answer {
    pub status: u16,
    pub headers: reqwest::header::HeaderMap,
    /// `null` where the answer has no body.
    pub body: Value,
}

impl TestApp {
    pub async fn program(&self, role: Role) -> Program {
        Program {
            key: self.api_key(role).await,
            http: super::client(),
            base: format!("{}/api/v1", self.address),
        }
    }
}

impl Program {
    /// The same, talking to another process on the same database.
    pub fn at(&self, address: &str) -> Self {
        Self {
            key: self.key.clone(),
            http: self.http.clone(),
            base: format!("{address}/api/v1"),
        }
    }

    pub fn request(&self, method: Method, path: &str) -> RequestBuilder {
        self.http
            .request(method, format!("{}{path}", self.base))
            .bearer_auth(&self.key)
    }

    pub async fn get(&self, path: &str) -> Answer {
        Answer::to(self.request(Method::GET, path)).await
    }

    pub async fn delete(&self, path: &str) -> Answer {
        Answer::to(self.request(Method::DELETE, path)).await
    }

    pub async fn post(&self, path: &str, body: &Value) -> Answer {
        Answer::to(self.request(Method::POST, path).json(body)).await
    }

    /// A POST without a body, such as `/schedule`.
    pub async fn tell(&self, path: &str) -> Answer {
        Answer::to(self.request(Method::POST, path)).await
    }

    pub async fn put(&self, path: &str, body: &Value) -> Answer {
        Answer::to(self.request(Method::PUT, path).json(body)).await
    }

    pub async fn patch(&self, path: &str, body: &Value) -> Answer {
        Answer::to(self.request(Method::PATCH, path).json(body)).await
    }
}

impl Answer {
    pub async fn to(request: RequestBuilder) -> Self {
        let answer = request.send().await.unwrap();
        let (status, headers) = (answer.status().as_u16(), answer.headers().clone());
        let text = answer.text().await.unwrap();
        let body = match text.is_empty() {
            true => Value::Null,
            false => serde_json::from_str(&text).unwrap_or(Value::String(text)),
        };
        Self {
            status,
            headers,
            body,
        }
    }

    /// The body, after checking the status.
    #[track_caller]
    pub fn is(self, status: u16) -> Value {
        assert_eq!(self.status, status, "{}", self.body);
        self.body
    }

    /// The fields that were refused, after checking that the input was.
    #[track_caller]
    pub fn refused(self) -> Vec<String> {
        assert_eq!(self.headers["content-type"], "application/problem+json");
        let body = self.is(422);
        assert_eq!(body["code"], "invalid");
        let errors = body["errors"].as_array().unwrap();
        assert!(
            errors
                .iter()
                .all(|error| error["message"].as_str().is_some_and(|text| !text.is_empty()))
        );
        errors
            .iter()
            .map(|error| error["field"].as_str().unwrap().to_owned())
            .collect()
    }
}
