//! [`QAuthenticator`]: credentials, and the answers to challenges.
//!
//! `challenge.rs` parses the challenge of a server or proxy, `digest.rs` answers it without sending
//! the password.

mod challenge;
mod digest;
#[cfg(fuzzing)]
pub(crate) mod fuzz;
mod params;

use std::{
    cell::{Ref, RefCell, RefMut},
    collections::BTreeMap,
    fmt,
    rc::Rc,
};

use base64::{Engine as _, engine::general_purpose::STANDARD as BASE64};
use qcore::QVariant;

use self::challenge::{Challenge, Scheme};

/// The credentials for a server or proxy: a user name and a password.
///
/// A slot of
/// [`proxy_authentication_required`](crate::socket::AbstractSocketNode::proxy_authentication_required)
/// gets an authenticator and sets the user and password in it. It is therefore a handle: clones
/// share one authenticator, whereas Qt's are copies. Stands for Qt's
/// [QAuthenticator](https://doc.qt.io/qt-5/qauthenticator.html).
///
/// It answers `Basic` challenges and `Digest` challenges with MD5 or SHA-256, and chooses the
/// strongest one offered.
///
/// # Examples
///
/// ```
/// use qnetwork::QAuthenticator;
///
/// let authenticator = QAuthenticator::new();
/// assert!(authenticator.is_null());
/// authenticator.set_user("me");
/// authenticator.set_password("secret");
/// assert_eq!(authenticator.user(), "me");
/// ```
#[derive(Clone, Default)]
pub struct QAuthenticator(Rc<RefCell<State>>);

#[derive(Default)]
struct State {
    /// Something has been set.
    touched: bool,
    user: String,
    password: String,
    realm: String,
    options: BTreeMap<String, QVariant>,
    phase: Phase,
    challenge: Option<Challenge>,
    /// How many answers this nonce has had.
    count: u32,
    client_nonce: String,
}

/// The progress of the authentication.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum Phase {
    /// There are credentials that have not been tried.
    #[default]
    Start,
    /// The credentials have been sent. If they were refused, the user has to be asked.
    Done,
    /// The challenge is not supported.
    Invalid,
}

impl QAuthenticator {
    /// Creates an authenticator without credentials.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Returns the user name.
    #[must_use]
    pub fn user(&self) -> String {
        self.get().user.clone()
    }

    /// Sets the user name.
    #[doc(alias = "setUser")]
    pub fn set_user(&self, user: impl Into<String>) {
        let (user, mut state) = (user.into(), self.get_mut());
        if !state.touched || state.user != user {
            state.user = user;
            state.touch();
        }
    }

    /// Returns the password.
    #[must_use]
    pub fn password(&self) -> String {
        self.get().password.clone()
    }

    /// Sets the password.
    #[doc(alias = "setPassword")]
    pub fn set_password(&self, password: impl Into<String>) {
        let (password, mut state) = (password.into(), self.get_mut());
        if !state.touched || state.password != password {
            state.password = password;
            state.touch();
        }
    }

    /// Returns the realm: the server's name for the area that needs the credentials.
    #[must_use]
    pub fn realm(&self) -> String {
        self.get().realm.clone()
    }

    /// Sets the realm. The next challenge replaces it.
    #[doc(alias = "setRealm")]
    pub fn set_realm(&self, realm: impl Into<String>) {
        let (realm, mut state) = (realm.into(), self.get_mut());
        state.realm = realm;
        state.touch();
    }

    /// Returns an option, or `None` if it is not set. After a challenge there is an option
    /// `"realm"`.
    #[must_use]
    pub fn option(&self, option: &str) -> Option<QVariant> {
        self.get().options.get(option).cloned()
    }

    /// Returns all options.
    #[must_use]
    pub fn options(&self) -> BTreeMap<String, QVariant> {
        self.get().options.clone()
    }

    /// Sets an option.
    #[doc(alias = "setOption")]
    pub fn set_option(&self, option: impl Into<String>, value: impl Into<QVariant>) {
        let (option, value, mut state) = (option.into(), value.into(), self.get_mut());
        state.options.insert(option, value);
        state.touch();
    }

    /// Returns whether nothing has been set yet.
    #[doc(alias = "isNull")]
    #[must_use]
    pub fn is_null(&self) -> bool {
        !self.get().touched
    }

    fn get(&self) -> Ref<'_, State> {
        self.0.borrow()
    }

    fn get_mut(&self) -> RefMut<'_, State> {
        self.0.borrow_mut()
    }

    // ---- for sockets and proxies

    pub(crate) fn has_credentials(&self) -> bool {
        let state = self.get();
        !state.user.is_empty() || !state.password.is_empty()
    }

    pub(crate) fn phase(&self) -> Phase {
        self.get().phase
    }

    /// Returns whether the only fault of the last answer was an expired nonce.
    pub(crate) fn is_stale(&self) -> bool {
        self.get().challenge.as_ref().is_some_and(|challenge| challenge.stale)
    }

    /// Takes the strongest of the challenges that this library can answer.
    pub(crate) fn ask<'a>(&self, challenges: impl Iterator<Item = &'a [u8]>) {
        let challenge = strongest(challenges.filter_map(Challenge::parse));
        let mut state = self.get_mut();
        state.touched = true;
        let Some(challenge) = challenge else {
            state.challenge = None;
            state.realm.clear();
            state.phase = Phase::Invalid;
            return;
        };
        if challenge.realm != state.realm {
            state.again();
            state.realm.clone_from(&challenge.realm);
            let realm = QVariant::String(challenge.realm.clone());
            state.options.insert("realm".to_owned(), realm);
        }
        if challenge.stale {
            state.phase = Phase::Start;
        }
        if state.user.is_empty() && state.password.is_empty() {
            state.phase = Phase::Done;
        }
        let nonce = |challenge: &Challenge| match &challenge.scheme {
            Scheme::Basic => None,
            Scheme::Digest(digest) => Some(digest.nonce.clone()),
        };
        if state.challenge.as_ref().and_then(nonce) != nonce(&challenge) {
            state.count = 0;
        }
        state.challenge = Some(challenge);
    }

    /// Returns the answer for a request with `method` and `uri`, if there is a challenge.
    pub(crate) fn answer(&self, method: &str, uri: &str) -> Option<String> {
        let mut state = self.get_mut();
        let challenge = state.challenge.clone()?;
        state.phase = Phase::Done;
        match challenge.scheme {
            Scheme::Basic => {
                let credentials =
                    [to_bytes(&state.user), b":".to_vec(), to_bytes(&state.password)].concat();
                Some(format!("Basic {}", BASE64.encode(credentials)))
            }
            Scheme::Digest(digest) => {
                state.count += 1;
                if state.client_nonce.is_empty() {
                    state.client_nonce = digest::client_nonce()?;
                }
                let who = digest::Who {
                    user: &to_bytes(&state.user),
                    password: &to_bytes(&state.password),
                    realm: &to_bytes(&challenge.realm),
                    count: state.count,
                    client_nonce: &state.client_nonce,
                };
                let answer = digest.answer(&who, method, uri);
                Some(answer.iter().map(|&byte| char::from(byte)).collect())
            }
        }
    }
}

impl State {
    fn touch(&mut self) {
        self.touched = true;
        self.again();
    }

    /// Notes that there are new credentials to try.
    fn again(&mut self) {
        if self.phase == Phase::Done {
            self.phase = Phase::Start;
        }
    }
}

/// Converts text for an HTTP header: to Latin-1, or to UTF-8 if Latin-1 lacks a character.
pub(crate) fn to_bytes(text: &str) -> Vec<u8> {
    let latin1: Result<Vec<u8>, _> = text.chars().map(u8::try_from).collect();
    latin1.unwrap_or_else(|_| text.as_bytes().to_vec())
}

/// Returns the strongest challenge; of equally strong ones, the first.
fn strongest(challenges: impl Iterator<Item = Challenge>) -> Option<Challenge> {
    challenges.reduce(|best, next| if next.strength() > best.strength() { next } else { best })
}

impl PartialEq for QAuthenticator {
    fn eq(&self, other: &Self) -> bool {
        if Rc::ptr_eq(&self.0, &other.0) {
            return true;
        }
        let (one, other) = (self.get(), other.get());
        one.user == other.user
            && one.password == other.password
            && one.realm == other.realm
            && one.options == other.options
    }
}

impl fmt::Debug for QAuthenticator {
    /// Formats the authenticator without its password.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let state = self.get();
        f.debug_struct("QAuthenticator")
            .field("user", &state.user)
            .field("realm", &state.realm)
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests;
