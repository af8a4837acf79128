//! No file with tests is forgotten: where cargo does not look for test files by itself, each is a
//! module of `main.rs` or named in `Cargo.toml`.

use std::{fs, path::Path};

/// The packages with `autotests = false`.
const PACKAGES: [&str; 2] = ["crates/qcore", "tests"];

#[test]
fn every_test_file_is_run() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
    for package in PACKAGES.map(|package| root.join(package)) {
        let manifest = fs::read_to_string(package.join("Cargo.toml")).unwrap();
        let main = fs::read_to_string(package.join("tests/main.rs")).unwrap();
        assert!(manifest.contains("\nautotests = false\n"), "{}", package.display());
        let files = fs::read_dir(package.join("tests")).unwrap().map(|file| file.unwrap().path());
        let sources: Vec<_> =
            files.filter(|file| file.extension().is_some_and(|ext| ext == "rs")).collect();
        assert!(sources.len() > 10, "{sources:?}");
        for file in sources {
            let stem = file.file_stem().unwrap().to_str().unwrap();
            let module = main.lines().any(|line| line == format!("mod {stem};"));
            let binary = manifest.contains(&format!("path = \"tests/{stem}.rs\""));
            assert!(module != binary, "{} is not run, or is run twice", file.display());
        }
    }
}
