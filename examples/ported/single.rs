//! An editor of which one instance runs: a second start sends its arguments to the first.

use std::{cell::RefCell, error::Error, process::ExitCode, thread, time::Duration};

use qcore::prelude::*;
use qnetwork::prelude::*;

const USAGE: &str = "\
usage: ported-single NAME FILE...    opens files
       ported-single NAME --close FILE...
       ported-single NAME --list     prints the files that are open
       ported-single NAME --quit     ends the first instance

NAME tells one editor from another.";
const PATIENCE: i32 = 5000;
const PAUSE: Duration = Duration::from_millis(100);
const ATTEMPTS: usize = 3;
const MAX_REQUEST: usize = 64 * 1024;

class! {
    /// Finds out whether this process is the first instance, and connects the others to it.
    struct Instance: QLocalServer {
        requested: Signal<(Vec<String>, QLocalSocket)>,
        name: String,
    }
}

impl Instance {
    fn new(name: &str) -> Self {
        let this = Self::derive(QLocalServer::new(), name.to_owned());
        this.new_connection.connect_slot(&this, Self::on_new_connection);
        this
    }

    /// Becomes the first instance, or returns the first one's answer to the arguments.
    fn claim(&self, arguments: &[&str]) -> Result<Option<String>, Box<dyn Error>> {
        for attempt in 0..ATTEMPTS {
            let answer = self.ask(arguments)?;
            if answer.is_some() || self.listen(&self.name).is_ok() {
                return Ok(answer);
            }
            if attempt == 0 {
                thread::sleep(PAUSE); // The first instance may be about to listen.
            } else {
                QLocalServer::remove_server(&self.name).ok(); // It has crashed.
            }
        }
        Err(self.error_string().into())
    }

    fn ask(&self, arguments: &[&str]) -> Result<Option<String>, Box<dyn Error>> {
        let socket = QLocalSocket::new();
        socket.connect_to_server(&self.name);
        if socket.wait_for_connected(PATIENCE).is_err() {
            return Ok(None);
        }
        let mut stream = QDataStream::new(&socket);
        stream.write_qstringlist(arguments);
        loop {
            if let Ok(answer) = stream.transaction(QDataStream::read_qstring) {
                return Ok(Some(answer));
            }
            socket.wait_for_ready_read(PATIENCE)?;
        }
    }

    fn on_new_connection(&self) {
        while let Some(socket) = self.next_pending_connection() {
            socket.ready_read.connect_slot((self, &socket), Self::on_ready_read);
            socket.disconnected.connect_slot(&socket, QObject::delete_later);
            let timer = QTimer::single_shot_timer(PATIENCE).with_parent(&socket);
            timer.timeout.connect_slot(&socket, QLocalSocket::abort);
            timer.start();
        }
    }

    fn on_ready_read(&self, socket: &QLocalSocket) {
        let mut stream = QDataStream::new(socket);
        if let Ok(arguments) = stream.transaction(QDataStream::read_qstringlist) {
            self.requested.emit((arguments, socket.clone()));
        } else if socket.bytes_available() > MAX_REQUEST {
            socket.abort();
        }
    }
}

class! {
    /// The program: it knows its files and answers requests.
    struct Editor: QObject {
        files: RefCell<Vec<String>> = RefCell::default(),
    }
}

impl Editor {
    fn new(instance: &Instance, arguments: &[&str]) -> Self {
        let this = Self::derive(QObject::new());
        instance.requested.connect_slot(&this, Self::on_requested);
        println!("{}", this.execute(arguments));
        this
    }

    fn on_requested(&self, arguments: &[String], socket: &QLocalSocket) {
        let arguments: Vec<_> = arguments.iter().map(String::as_str).collect();
        let answer = self.execute(&arguments);
        println!("{answer}");
        QDataStream::new(socket).write_qstring(&answer);
        if arguments == ["--quit"] {
            socket.disconnected.connect(|()| QCoreApplication::instance().quit());
        }
        socket.disconnect_from_server();
    }

    fn execute(&self, arguments: &[&str]) -> String {
        let mut open = self.files.borrow_mut();
        let count = open.len();
        match *arguments {
            ["--list"] if open.is_empty() => "no file is open".to_owned(),
            ["--list"] => open.join(", "),
            ["--quit"] => "the editor ends".to_owned(),
            ["--close", ref files @ ..] => {
                open.retain(|file| !files.contains(&file.as_str()));
                format!("closed {}, open {}", count - open.len(), open.len())
            }
            ref files => {
                for file in files {
                    if !open.iter().any(|it| it == file) {
                        open.push(file.to_string());
                    }
                }
                format!("opened {}, open {}", open.len() - count, open.len())
            }
        }
    }
}

fn main() -> Result<ExitCode, Box<dyn Error>> {
    let app = QCoreApplication::new();
    let arguments = QCoreApplication::arguments();
    match arguments.iter().map(String::as_str).collect::<Vec<_>>()[1..] {
        [name, ref arguments @ ..] if !arguments.is_empty() => {
            let instance = Instance::new(name);
            if let Some(answer) = instance.claim(arguments)? {
                println!("{answer}");
                return Ok(ExitCode::SUCCESS);
            }
            let _editor = Editor::new(&instance, arguments);
            Ok(ExitCode::from(app.exec() as u8))
        }
        _ => {
            eprintln!("{USAGE}");
            Ok(ExitCode::FAILURE)
        }
    }
}
