#![no_main]

use qnetwork::{QNetworkProxy, QNetworkProxyQuery};

libfuzzer_sys::fuzz_target!(|text: &str| {
    let _ = text.parse::<QNetworkProxy>();
    let _ = QNetworkProxyQuery::for_url(text).url();
});
