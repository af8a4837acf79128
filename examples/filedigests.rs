//! Prints the SHA-256 digests of files. The files are read by a pool of threads, because reading a
//! file blocks. The loop of the main thread prints the results.

use std::{cell::Cell, fs::File, io, path::Path, process::ExitCode, rc::Rc};

use examples::{parse_args, print_line, refuse};
use qcore::{QCoreApplication, QThreadPool};
use sha2::{Digest, Sha256};

const USAGE: &str = "\
usage: filedigests FILE...

Prints the SHA-256 digest of each file, in the order in which the digests are ready.

  --help  print this text";

fn main() -> ExitCode {
    let mut files = Vec::new();
    parse_args(USAGE, |argument, _| {
        match argument {
            lexopt::Arg::Value(file) => files.push(file.to_os_string()),
            _ => return Ok(false),
        }
        Ok(true)
    });
    if files.is_empty() {
        refuse(USAGE, "a file is wanted");
    }
    let app = QCoreApplication::new();
    let (left, failed) = (Rc::new(Cell::new(files.len())), Rc::new(Cell::new(0)));
    let tasks: Vec<_> = files
        .into_iter()
        .map(|file| {
            let name = file.to_string_lossy().into_owned();
            let task = QThreadPool::global_instance().run(move || digest(file.as_ref()));
            let (app, left, failed) = (app.clone(), left.clone(), failed.clone());
            task.finished.connect(move |result| {
                match result {
                    Ok(Ok(digest)) => print_line(&format!("{digest}  {name}")),
                    Ok(Err(error)) => report(&name, error, &failed),
                    Err(error) => report(&name, error, &failed),
                }
                left.set(left.get() - 1);
                if left.get() == 0 {
                    app.exit(failed.get());
                }
            });
            task
        })
        .collect();
    let code = app.exec();
    drop(tasks);
    ExitCode::from(code as u8)
}

fn report(name: &str, error: impl std::fmt::Display, failed: &Cell<i32>) {
    eprintln!("filedigests: {name}: {error}");
    failed.set(1);
}

/// Reads the file, in a thread of the pool.
fn digest(file: &Path) -> io::Result<String> {
    let mut hash = Sha256::new();
    io::copy(&mut File::open(file)?, &mut Writer(&mut hash))?;
    Ok(hash.finalize().iter().map(|byte| format!("{byte:02x}")).collect())
}

struct Writer<'a>(&'a mut Sha256);

impl io::Write for Writer<'_> {
    fn write(&mut self, data: &[u8]) -> io::Result<usize> {
        self.0.update(data);
        Ok(data.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}
