//! What was made of a configuration, kept for the next connection.

use std::sync::{Arc, OnceLock};

use rustls::{ClientConfig, ServerConfig};

/// What rustls needs, made when first asked for. A copy, which is going to be changed, begins with nothing.
#[derive(Default)]
pub(crate) struct Cache {
    pub(crate) client: OnceLock<Arc<ClientConfig>>,
    pub(crate) server: OnceLock<Arc<ServerConfig>>,
}

impl Clone for Cache {
    fn clone(&self) -> Self {
        Cache::default()
    }
}
