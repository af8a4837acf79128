//! The slot is an async function.

use qcore::{QObject, Signal, class};

class! {
    pub struct Client: QObject {}
}

impl Client {
    async fn on_line(&self, _line: &str) {}
}

pub fn connect(said: &Signal<String>, client: &Client) {
    said.connect_slot(client, Client::on_line);
}
