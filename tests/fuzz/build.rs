//! Copies examples, so that a target can include them: their items are private, and an included
//! file must not begin with the documentation of a module.

use std::{env, error::Error, fs, path::Path};

fn main() -> Result<(), Box<dyn Error>> {
    for name in ["jsonchat.rs", "mqttbroker.rs"] {
        let from = format!("../../examples/{name}");
        println!("cargo::rerun-if-changed={from}");
        let text = fs::read_to_string(&from)?.replace("//!", "//");
        fs::write(Path::new(&env::var("OUT_DIR")?).join(name), text)?;
    }
    Ok(())
}
