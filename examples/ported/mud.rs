//! A client for MUDs over TLS: removes telnet's commands and filters the lines.

use std::{
    cell::{Cell, RefCell},
    error::Error,
    fs::File,
    io::{self, Read},
    os::fd::AsFd,
    process::ExitCode,
};

use qcore::prelude::*;
use qnetwork::prelude::*;

const USAGE: &str = "\
usage: ported-mud PORT FINGERPRINT [RULE...]

A certificate that the system does not trust needs this SHA-256 fingerprint. Each line of
standard input goes to the MUD. The rules apply to each line of the MUD in their order:

  gag:TEXT           hides lines with TEXT
  mark:TEXT          puts *** before lines with TEXT
  swap:TEXT=OTHER    replaces TEXT
  reply:TEXT=ANSWER  sends ANSWER after a line or prompt with TEXT";
const MAX_LINE: usize = 4096;
const IGNORABLE: [SslErrorKind; 6] = [
    SslErrorKind::SelfSignedCertificate,
    SslErrorKind::SelfSignedCertificateInChain,
    SslErrorKind::HostNameMismatch,
    SslErrorKind::UnableToGetLocalIssuerCertificate,
    SslErrorKind::UnableToVerifyFirstCertificate,
    SslErrorKind::CertificateUntrusted,
];

/// The bytes of telnet's commands (RFC 854).
mod telnet {
    pub(super) const SE: u8 = 240;
    pub(super) const GA: u8 = 249;
    pub(super) const SB: u8 = 250;
    pub(super) const WILL: u8 = 251;
    pub(super) const WONT: u8 = 252;
    pub(super) const DO: u8 = 253;
    pub(super) const DONT: u8 = 254;
    pub(super) const IAC: u8 = 255;
}

class! {
    /// A socket that emits the lines of a MUD, and refuses all options of telnet.
    struct MudSocket: QSslSocket {
        line_received: Signal<String>,
        prompt_received: Signal<String>,
        text: RefCell<Vec<u8>> = RefCell::default(),
        command: RefCell<Vec<u8>> = RefCell::default(),
    }
}

impl MudSocket {
    fn new() -> Self {
        let this = Self::derive(QSslSocket::new());
        this.ready_read.connect_slot(&this, Self::on_ready_read);
        this
    }

    fn send_line(&self, line: &str) {
        self.write(line.to_owned() + "\r\n").ok();
    }

    fn on_ready_read(&self) {
        for byte in self.read_all() {
            let in_command = !self.command.borrow().is_empty();
            if in_command || byte == telnet::IAC {
                self.command.borrow_mut().push(byte);
                self.on_command_byte();
            } else if byte == b'\n' || self.text.borrow().len() == MAX_LINE {
                self.line_received.emit(self.take_text());
            } else {
                self.text.borrow_mut().push(byte);
            }
        }
    }

    fn take_text(&self) -> String {
        String::from_utf8_lossy(&self.text.take()).trim_end().to_owned()
    }

    fn on_command_byte(&self) {
        use telnet::*;
        let command = self.command.borrow().clone();
        match command[..] {
            [_] | [_, DO | DONT | WILL | WONT] => return,
            [_, IAC] => self.text.borrow_mut().push(IAC),
            [_, GA] => self.prompt_received.emit(self.take_text()),
            [_, DO, option] => self.refuse(WONT, option),
            [_, WILL, option] => self.refuse(DONT, option),
            [_, SB, .., IAC, SE] => {}
            [_, SB, ref data @ ..] if data.len() < MAX_LINE => return,
            _ => {}
        }
        self.command.take();
    }

    fn refuse(&self, answer: u8, option: u8) {
        self.write([telnet::IAC, answer, option]).ok();
    }
}

/// What a rule does.
enum Kind {
    Gag,
    Mark,
    Swap,
    Reply,
}

/// A kind, the text that it looks for, and its other text.
type Rule = (Kind, String, String);

class! {
    /// The rules, applied to lines and prompts.
    struct Filters: QObject {
        shown: Signal<String>,
        reply: Signal<String>,
        rules: Vec<Rule>,
    }
}

impl Filters {
    fn new(rules: &[&str]) -> Result<Self, String> {
        let rules = rules.iter().map(|rule| parse(rule)).collect::<Result<_, _>>()?;
        Ok(Self::derive(QObject::new(), rules))
    }

    fn apply(&self, line: &str) {
        let mut line = line.to_owned();
        let mut replies = Vec::new();
        for (kind, text, value) in &self.rules {
            if !line.contains(text) {
                continue;
            }
            match kind {
                Kind::Gag => return,
                Kind::Mark => line = format!("*** {line}"),
                Kind::Swap => line = line.replace(text, value),
                Kind::Reply => replies.push(value),
            }
        }
        self.shown.emit(line);
        for reply in replies {
            self.reply.emit(reply.clone());
        }
    }
}

class! {
    /// The lines of standard input.
    struct Keyboard: QSocketNotifier {
        line: Signal<String>,
        closed: Signal<()>,
        input: File,
        buffer: RefCell<Vec<u8>> = RefCell::default(),
    }
}

impl Keyboard {
    fn new() -> io::Result<Self> {
        let input = File::from(io::stdin().as_fd().try_clone_to_owned()?);
        let this = Self::derive(QSocketNotifier::try_new(io::stdin(), NotifierType::Read)?, input);
        this.activated.connect_slot(&this, Self::on_activated);
        Ok(this)
    }

    fn on_activated(&self) {
        let mut data = [0; MAX_LINE];
        let count = (&self.input).read(&mut data).unwrap_or(0);
        let text = [&self.buffer.take(), &data[..count]].concat();
        let mut lines: Vec<_> = text.split(|byte| *byte == b'\n').collect();
        self.buffer.replace(lines.pop().unwrap_or_default().to_vec());
        for line in lines {
            self.line.emit(String::from_utf8_lossy(line).into_owned());
        }
        if count == 0 {
            self.set_enabled(false);
            self.closed.emit(());
        }
    }
}

class! {
    /// Connects the keyboard, the socket, the filters and the screen.
    struct Client: QObject {
        fingerprint: String,
        exit_code: Cell<i32> = Cell::new(0),
        child filters: Filters,
        child keyboard: Keyboard,
        child socket: MudSocket = MudSocket::new(),
    }
}

impl Client {
    fn new(port: u16, fingerprint: &str, rules: &[&str]) -> Result<Self, Box<dyn Error>> {
        let (filters, keyboard) = (Filters::new(rules)?, Keyboard::new()?);
        let this = Self::derive(QObject::new(), fingerprint.to_owned(), filters, keyboard);
        this.filters.shown.connect(|line| println!("{line}"));
        this.filters.reply.connect_slot(&this.socket, MudSocket::send_line);
        this.socket.line_received.connect_slot(&this.filters, Filters::apply);
        this.socket.prompt_received.connect_slot(&this.filters, Filters::apply);
        this.socket.encrypted.connect(|()| println!("* connected"));
        this.socket.ssl_errors.connect_slot(&this, Self::on_ssl_errors);
        this.socket.error_occurred.connect_slot(&this, Self::on_error);
        this.socket.disconnected.connect_slot(&this, Self::on_disconnected);
        this.keyboard.line.connect_slot(&this.socket, MudSocket::send_line);
        this.keyboard.closed.connect_slot(&this.socket, QAbstractSocket::disconnect_from_host);
        this.socket.connect_to_host_encrypted("127.0.0.1", port);
        Ok(this)
    }

    fn on_ssl_errors(&self, errors: &[QSslError]) {
        for error in errors {
            println!("! {error}");
        }
        let digest = self.socket.peer_certificate().digest(HashAlgorithm::Sha256);
        let digest: String = digest.iter().map(|byte| format!("{byte:02x}")).collect();
        if digest == self.fingerprint {
            let ignored = errors.iter().filter(|error| IGNORABLE.contains(&error.kind()));
            self.socket.ignore_ssl_errors_in(ignored);
        } else {
            println!("! the fingerprint is {digest}");
        }
    }

    fn on_error(&self, kind: SocketErrorKind) {
        if kind != SocketErrorKind::RemoteHostClosed {
            println!("! {}", self.socket.error_string());
            self.exit_code.set(1);
            self.on_disconnected();
        }
    }

    fn on_disconnected(&self) {
        QCoreApplication::instance().exit(self.exit_code.get());
    }
}

/// Parses `KIND:TEXT` or `KIND:TEXT=VALUE`.
fn parse(rule: &str) -> Result<Rule, String> {
    let (kind, pattern) = rule.split_once(':').unwrap_or((rule, ""));
    let (text, value) = pattern.split_once('=').unwrap_or((pattern, ""));
    let kind = match kind {
        "gag" => Kind::Gag,
        "mark" => Kind::Mark,
        "swap" => Kind::Swap,
        "reply" => Kind::Reply,
        _ => return Err(format!("{kind} is not a kind of rule")),
    };
    Ok((kind, text.to_owned(), value.to_owned()))
}

fn main() -> Result<ExitCode, Box<dyn Error>> {
    let app = QCoreApplication::new();
    let arguments = QCoreApplication::arguments();
    match arguments.iter().map(String::as_str).collect::<Vec<_>>()[1..] {
        [port, fingerprint, ref rules @ ..] => {
            let _client = Client::new(port.parse()?, fingerprint, rules)?;
            Ok(ExitCode::from(app.exec() as u8))
        }
        _ => {
            eprintln!("{USAGE}");
            Ok(ExitCode::FAILURE)
        }
    }
}
