//! Writes a function for each row of docs/api-map.tsv which uses the item that the row names.
//! `tests/api_map.rs` includes the file, so that a row that names no item does not compile.

#[path = "tests/api_map/map.rs"]
#[allow(dead_code)] // the test needs the rest
mod map;
#[path = "tests/api_map/sources.rs"]
#[allow(dead_code)] // the test needs the rest
mod sources;
#[path = "tests/api_map/uses.rs"]
mod uses;

use std::{env, fs, path::Path};

fn main() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).parent().expect("the workspace's folder");
    for path in ["docs/api-map.tsv", "crates/qcore/src", "crates/qnetwork/src"] {
        println!("cargo::rerun-if-changed={}", root.join(path).display());
    }
    for path in ["build.rs", "tests/api_map"] {
        println!("cargo::rerun-if-changed={path}");
    }
    let sources = sources::Sources::read(root).expect("the sources are readable");
    let rows = map::Row::read(&root.join("docs/api-map.tsv"));
    let text = rows.and_then(|rows| uses::of_rows(&rows, &sources));
    match text {
        Ok(text) => {
            let folder = env::var_os("OUT_DIR").expect("cargo sets OUT_DIR");
            fs::write(Path::new(&folder).join("api_map.rs"), text).expect("OUT_DIR is writable");
        }
        Err(error) => println!("cargo::error=docs/api-map.tsv: {error}"),
    }
}
