//! What the compiler says to common mistakes: each file in `mistakes/` has one, and the text beside
//! it is what the compiler says first.
//!
//! The text is that of one release of the compiler. With any other the test says that it is
//! skipped. `BLESS=1 cargo test -p qcore mistakes` writes the texts anew.

use std::{
    env,
    fmt::Write as _,
    fs,
    path::{Path, PathBuf},
    process::Command,
};

/// The compiler whose texts these are.
const RUSTC: &str = "rustc 1.95.";

#[test]
fn messages() {
    let rustc = env::var_os("RUSTC").unwrap_or_else(|| "rustc".into());
    let version = Command::new(&rustc).arg("--version").output().expect("rustc runs");
    let version = String::from_utf8_lossy(&version.stdout).into_owned();
    if !version.starts_with(RUSTC) {
        println!("skipped: the texts are those of {RUSTC}x, and this is {}", version.trim());
        return;
    }
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/mistakes");
    let library = Library::build();
    let files = fs::read_dir(&folder).unwrap().map(|entry| entry.unwrap().path());
    let mut files: Vec<_> =
        files.filter(|file| file.extension().is_some_and(|end| end == "rs")).collect();
    files.sort();
    assert!(files.len() >= 10);
    let mut differences = String::new();
    for file in files {
        let said = said_of(&rustc, &library, &file);
        let expected = file.with_extension("txt");
        if env::var_os("BLESS").is_some() {
            fs::write(&expected, &said).unwrap();
        }
        let wanted = fs::read_to_string(&expected).unwrap_or_default();
        if said != wanted {
            writeln!(differences, "{}:\n{said}\ninstead of\n{wanted}", file.display()).unwrap();
        }
    }
    assert!(differences.is_empty(), "{differences}");
}

/// The built library.
struct Library {
    metadata: PathBuf,
    dependencies: PathBuf,
}

impl Library {
    /// Builds it once more, in a folder of its own: what other tests have built may be of other
    /// features.
    fn build() -> Self {
        let target = target_folder().join("mistakes");
        let built = Command::new(env!("CARGO"))
            .args(["check", "--offline", "--quiet", "--message-format=json", "-p", "qcore"])
            .arg("--target-dir")
            .arg(&target)
            .current_dir(env!("CARGO_MANIFEST_DIR"))
            .env_remove("CARGO_TARGET_DIR")
            .output()
            .expect("cargo runs");
        let messages = String::from_utf8_lossy(&built.stdout);
        assert!(built.status.success(), "{}", String::from_utf8_lossy(&built.stderr));
        // "filenames":["/target/mistakes/debug/deps/libqcore-0123456789abcdef.rmeta"]
        let name =
            messages.split('"').find(|part| part.ends_with(".rmeta") && part.contains("libqcore-"));
        let metadata = PathBuf::from(name.expect("cargo names what it has built"));
        let dependencies = metadata.parent().unwrap().to_owned();
        Library { metadata, dependencies }
    }
}

/// The folder that holds the profile's folder in which this test is.
fn target_folder() -> PathBuf {
    let test = env::current_exe().unwrap();
    test.ancestors().nth(3).unwrap().to_owned()
}

/// What the compiler says to a file, without what depends on the machine or on where something
/// stands in the library.
fn said_of(rustc: &std::ffi::OsStr, library: &Library, file: &Path) -> String {
    let mut external = std::ffi::OsString::from("qcore=");
    external.push(&library.metadata);
    let output = Command::new(rustc)
        .args(["--edition=2024", "--crate-type=lib", "--emit=metadata", "--color=never"])
        .args(["--cap-lints=allow", "--out-dir"])
        .arg(env::temp_dir())
        .arg("-L")
        .arg(&library.dependencies)
        .arg("--extern")
        .arg(external)
        .arg(file.file_name().unwrap())
        .current_dir(file.parent().unwrap())
        .output()
        .expect("rustc runs");
    assert!(!output.status.success(), "{} compiles", file.display());
    let said = String::from_utf8(output.stderr).unwrap();
    let name = file.file_name().unwrap().to_str().unwrap();
    // A slot that does not fit is one mistake: a second error would speak of the receiver.
    if name.starts_with("slot_") {
        assert!(said.contains("aborting due to 1 previous error"), "{said}");
    }
    let mut kept = String::new();
    // What comes behind an empty line is further errors.
    for line in said.lines().take_while(|line| !line.is_empty()) {
        let place = line.split_once("--> ").or_else(|| line.split_once("::: "));
        match place {
            Some((before, place)) if !place.starts_with(name) => {
                writeln!(kept, "{before}--> the library").unwrap();
            }
            _ => writeln!(kept, "{}", line.trim_end()).unwrap(),
        }
    }
    kept
}
