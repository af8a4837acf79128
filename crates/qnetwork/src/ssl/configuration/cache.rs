//! Cached rustls configurations.

use std::sync::{Arc, OnceLock};

use rustls::{ClientConfig, ServerConfig};

/// The rustls configurations of a `QSslConfiguration`, made at first use. A clone is empty, because
/// its settings are about to change.
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
