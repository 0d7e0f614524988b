//! Members of staff and API keys for the tests.
#![allow(dead_code)] // a door for every area; not each uses all of it

use super::{TestApp, client};
use argon2::password_hash::PasswordHasher as _;
use argon2::{Algorithm, Argon2, Params, Version};
use fairway::accounts::{Actor, keys, staff_commands};
use fairway::domain::Role;
use fairway::entity::users;
use reqwest::Response;

/// The password of everyone whom `sign_in_as` makes.
pub const PASSWORD: &str = "correct horse battery staple";

/// A browser in which someone is signed in. Every write carries the session's CSRF token.
pub struct SignedIn {
    pub user: users::Model,
    pub http: reqwest::Client,
    pub csrf: String,
    address: String,
}

impl TestApp {
    /// A member of staff, put straight into the database with `PASSWORD`.
    pub async fn staff(&self, role: Role, email: &str) -> users::Model {
        let tx = self.cx.db.begin().await.unwrap();
        let new = staff_commands::NewUser {
            email: email.to_owned(),
            name: format!("The {role}"),
            role,
            password_hash: cheap_hash(PASSWORD),
        };
        let user = staff_commands::create_user(&tx, new, &Actor::fairway(), self.cx.clock.now())
            .await
            .unwrap();
        tx.commit().await.unwrap();
        user
    }

    /// A new member of staff with this role, signed in over HTTP.
    pub async fn sign_in_as(&self, role: Role) -> SignedIn {
        let email = format!("{role}-{}@club.example", uuid::Uuid::new_v4().simple());
        let user = self.staff(role, &email).await;
        self.sign_in(user).await
    }

    /// Tries to sign in, from a browser of its own.
    pub async fn try_sign_in(&self, email: &str, password: &str) -> Response {
        client()
            .post(format!("{}/sign-in", self.address))
            .form(&[("email", email), ("password", password)])
            .send()
            .await
            .unwrap()
    }

    /// Another browser in which this person is signed in.
    pub async fn sign_in(&self, user: users::Model) -> SignedIn {
        let http = client();
        let answer = http
            .post(format!("{}/sign-in", self.address))
            .form(&[("email", user.email.as_str()), ("password", PASSWORD)])
            .send()
            .await
            .unwrap();
        assert_eq!(answer.status(), 303, "signing in failed");
        SignedIn {
            csrf: csrf_of(&http, &self.address).await,
            user,
            http,
            address: self.address.clone(),
        }
    }

    /// A new API key.
    pub async fn api_key(&self, role: Role) -> String {
        let tx = self.cx.db.begin().await.unwrap();
        let key = keys::create(&tx, "test", role, None, self.cx.clock.now())
            .await
            .unwrap();
        tx.commit().await.unwrap();
        key
    }
}

impl SignedIn {
    pub async fn get(&self, path: &str) -> Response {
        self.http
            .get(format!("{}{path}", self.address))
            .send()
            .await
            .unwrap()
    }

    /// The page's text, after checking that it is a page.
    pub async fn page(&self, path: &str) -> String {
        let answer = self.get(path).await;
        assert_eq!(answer.status(), 200, "{path}");
        answer.text().await.unwrap()
    }

    /// Posts a form; a repeated name is a list.
    pub async fn post(&self, path: &str, fields: &[(&str, &str)]) -> Response {
        let mut fields = fields.to_vec();
        fields.push(("_csrf", &self.csrf));
        self.http
            .post(format!("{}{path}", self.address))
            .form(&fields)
            .send()
            .await
            .unwrap()
    }

    /// Posts an upload.
    pub async fn post_multipart(&self, path: &str, form: reqwest::multipart::Form) -> Response {
        self.http
            .post(format!("{}{path}", self.address))
            .header("X-CSRF-Token", &self.csrf)
            .multipart(form)
            .send()
            .await
            .unwrap()
    }

    /// What htmx sends for `hx-get`.
    pub async fn hx_get(&self, path: &str) -> Response {
        self.http
            .get(format!("{}{path}", self.address))
            .header("HX-Request", "true")
            .send()
            .await
            .unwrap()
    }

    /// What htmx sends for `hx-post`: the token in the header.
    pub async fn hx_post(&self, path: &str, fields: &[(&str, &str)]) -> Response {
        self.http
            .post(format!("{}{path}", self.address))
            .header("HX-Request", "true")
            .header("X-CSRF-Token", &self.csrf)
            .form(fields)
            .send()
            .await
            .unwrap()
    }
}

/// The token, read where a browser would: on a page.
async fn csrf_of(http: &reqwest::Client, address: &str) -> String {
    let page = http
        .get(format!("{address}/profile"))
        .send()
        .await
        .unwrap()
        .text()
        .await
        .unwrap();
    let (_, rest) = page
        .split_once("name=\"_csrf\" value=\"")
        .expect("a page with a form");
    rest.split('"').next().unwrap().to_owned()
}

/// Argon2id with the least work, so that a test does not wait for it. Verified as any other.
fn cheap_hash(password: &str) -> String {
    let params = Params::new(8, 1, 1, None).unwrap();
    Argon2::new(Algorithm::Argon2id, Version::V0x13, params)
        .hash_password(password.as_bytes())
        .unwrap()
        .to_string()
}
