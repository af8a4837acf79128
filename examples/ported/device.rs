//! Switches a device on or off over the network, and waits until it is.

use std::{
    cell::{Cell, RefCell},
    collections::VecDeque,
    error::Error,
    os::fd::OwnedFd,
    process::ExitCode,
};

use qcore::prelude::*;
use qnetwork::prelude::*;
use sha2::{Digest, Sha256};

const USAGE: &str = "\
usage: ported-device PORT PASSWORD on|off
       ported-device --simulate PASSWORD [FAULT...]

The second form is a device to try it with. It prints its port. Each connection has the
next fault: deaf (never says hello), silent (answers no command) or drop (hangs up after
the log-in). Connections after that have no fault.";
const CONNECT_TIMEOUT: i32 = 2000;
const COMMAND_TIMEOUT: i32 = 2000;
const POLL_INTERVAL: i32 = 400;
const KEEP_ALIVE: i32 = 150;
const RETRY_DELAY: i32 = 100;
const MAX_SILENCE: i32 = 5000;
const MAX_LINE: usize = 1024;

fn digest(challenge: &str, password: &str) -> String {
    let digest = Sha256::digest(format!("{challenge}:{password}"));
    digest.iter().map(|byte| format!("{byte:02x}")).collect()
}

/// The next whole line, if one has arrived. Aborts the socket if a line has no end.
fn next_line(socket: &QTcpSocket) -> Option<String> {
    if !socket.can_read_line() && socket.bytes_available() > MAX_LINE {
        socket.abort();
    }
    let line = socket.can_read_line().then(|| socket.read_line())?;
    Some(String::from_utf8_lossy(&line).trim().to_owned())
}

class! {
    /// The client's end: logs in, sends commands one by one, and polls the power.
    struct Device: QObject {
        ready: Signal<()>,
        denied: Signal<()>,
        failed: Signal<String>,
        answered: Signal<(String, String)>,
        power_changed: Signal<String>,
        port: u16,
        password: String,
        power: RefCell<String> = RefCell::default(),
        waiting_for: RefCell<String> = RefCell::default(),
        commands: RefCell<VecDeque<String>> = RefCell::default(),
        child socket: QTcpSocket = QTcpSocket::new(),
        child connect_timer: QTimer = QTimer::single_shot_timer(CONNECT_TIMEOUT),
        child command_timer: QTimer = QTimer::single_shot_timer(COMMAND_TIMEOUT),
        child poll_timer: QTimer = QTimer::with_interval(POLL_INTERVAL),
        child keep_alive_timer: QTimer = QTimer::with_interval(KEEP_ALIVE),
    }
}

impl Device {
    fn new(port: u16, password: &str) -> Self {
        let this = Self::derive(QObject::new(), port, password.to_owned());
        this.socket.ready_read.connect_slot(&this, Self::on_ready_read);
        this.socket.error_occurred.connect_slot(&this, Self::on_error);
        this.connect_timer.timeout.connect_to(&this, |this, ()| this.fail("no log-in in time"));
        this.command_timer.timeout.connect_slot(&this, Self::on_command_timeout);
        this.poll_timer.timeout.connect_to(&this, |this, ()| this.send("POWER?"));
        this.keep_alive_timer.timeout.connect_to(&this, |this, ()| this.send("PING"));
        this
    }

    fn open(&self) {
        self.connect_timer.start();
        self.socket.connect_to_host(QHostAddress::LocalHost, self.port);
    }

    fn send(&self, command: &str) {
        self.commands.borrow_mut().push_back(command.to_owned());
        self.send_next();
    }

    fn send_next(&self) {
        if self.waiting_for.borrow().is_empty() {
            let Some(command) = self.commands.borrow_mut().pop_front() else { return };
            self.socket.write(format!("{command}\n")).ok();
            self.waiting_for.replace(command);
            self.command_timer.start();
            self.keep_alive_timer.start();
        }
    }

    fn on_ready_read(&self) {
        while let Some(line) = next_line(&self.socket) {
            match line.split_once(' ').unwrap_or((&line, "")) {
                ("HELLO", challenge) => {
                    let answer = digest(challenge, &self.password);
                    self.socket.write(format!("LOGIN {answer}\n")).ok();
                }
                ("WELCOME", _) => {
                    self.connect_timer.stop();
                    self.poll_timer.start();
                    self.ready.emit(());
                }
                ("DENIED", _) => {
                    self.close();
                    self.denied.emit(());
                }
                _ => self.on_answer(line),
            }
        }
    }

    fn on_answer(&self, answer: String) {
        let command = self.waiting_for.take();
        self.command_timer.stop();
        match &*command {
            "POWER?" if answer != *self.power.borrow() => {
                self.power.replace(answer.clone());
                self.power_changed.emit(answer);
            }
            "" | "POWER?" | "PING" => {}
            _ => self.answered.emit((command, answer)),
        }
        self.send_next();
    }

    fn on_command_timeout(&self) {
        self.fail(&format!("no answer to {}", self.waiting_for.borrow()));
    }

    fn on_error(&self) {
        self.fail(&self.socket.error_string());
    }

    fn close(&self) {
        for timer in self.find_children::<QTimer>(None) {
            timer.stop();
        }
        self.waiting_for.take();
        self.commands.take();
        self.socket.abort();
    }

    fn fail(&self, reason: &str) {
        self.close();
        self.failed.emit(reason.to_owned());
        QTimer::single_shot_to(RETRY_DELAY, self, Self::open);
    }
}

class! {
    /// Switches a device on or off, and ends the program once it is.
    struct Switch: QObject {
        power: String,
        child device: Device,
    }
}

impl Switch {
    fn new(port: u16, password: &str, power: &str) -> Self {
        let this = Self::derive(QObject::new(), power.to_owned(), Device::new(port, password));
        this.device.ready.connect_slot(&this, Self::on_ready);
        this.device.denied.connect_slot(&this, Self::on_denied);
        this.device.failed.connect(|reason| println!("failed: {reason}"));
        this.device.answered.connect(|(command, answer)| println!("{command}: {answer}"));
        this.device.power_changed.connect_slot(&this, Self::on_power_changed);
        this.device.open();
        this
    }

    fn on_ready(&self) {
        println!("logged in");
        self.device.send(&format!("POWER {}", self.power));
    }

    fn on_denied(&self) {
        println!("the password is wrong");
        QCoreApplication::instance().exit(1);
    }

    fn on_power_changed(&self, power: &str) {
        println!("power is {power}");
        if power == self.power {
            QCoreApplication::instance().quit();
        }
    }
}

class! {
    /// The device's end of a connection.
    struct Session: QTcpSocket {
        fault: String,
        challenge: String = format!("{:x}", getrandom::u64().expect("random numbers")),
        logged_in: Cell<bool> = Cell::new(false),
        child silence_timer: QTimer = QTimer::with_interval(MAX_SILENCE),
    }
}

impl Session {
    fn new(fault: String, device: &SimulatedDevice) -> Self {
        let this = Self::derive(QTcpSocket::new(), fault).with_parent(device);
        this.silence_timer.timeout.connect_slot(&this, QAbstractSocket::abort);
        this.ready_read.connect_slot((&this, device), Self::on_ready_read);
        this.disconnected.connect_slot(&this, Self::on_disconnected);
        this
    }

    fn say(&self, line: &str) {
        self.write(format!("{line}\n")).ok();
    }

    fn start(&self) {
        self.silence_timer.start();
        if self.fault != "deaf" {
            self.say(&format!("HELLO {}", self.challenge));
        }
    }

    fn on_ready_read(&self, device: &SimulatedDevice) {
        self.silence_timer.start();
        while let Some(line) = next_line(self) {
            if !self.logged_in.get() {
                self.log_in(&line, &device.password);
            } else if self.fault != "silent" {
                self.say(device.answer(&line));
            }
        }
    }

    fn log_in(&self, line: &str, password: &str) {
        self.logged_in.set(line == format!("LOGIN {}", digest(&self.challenge, password)));
        println!("log-in {}", if self.logged_in.get() { "accepted" } else { "denied" });
        self.say(if self.logged_in.get() { "WELCOME" } else { "DENIED" });
        if self.fault == "drop" || !self.logged_in.get() {
            self.disconnect_from_host();
        }
    }

    fn on_disconnected(&self) {
        println!("connection closed");
        self.delete_later();
    }
}

class! {
    /// A device that is on or off when its power was asked for twice after a command.
    struct SimulatedDevice: QTcpServer {
        password: String,
        faults: RefCell<VecDeque<String>>,
        power: Cell<&'static str> = Cell::new("off"),
        target: Cell<&'static str> = Cell::new("off"),
        questions: Cell<u32> = Cell::new(0),
    }
}

impl IncomingConnection for SimulatedDevice {
    fn incoming_connection(&self, descriptor: OwnedFd) {
        let session = Session::new(self.faults.borrow_mut().pop_front().unwrap_or_default(), self);
        match session.set_socket_descriptor(descriptor) {
            Ok(()) => session.start(),
            Err(_) => session.delete_later(),
        }
    }
}

impl SimulatedDevice {
    fn new(password: &str, faults: &[&str]) -> Self {
        let faults = faults.iter().map(|&fault| fault.to_owned()).collect::<VecDeque<_>>();
        Self::derive(QTcpServer::new(), password.to_owned(), faults.into())
    }

    fn answer(&self, command: &str) -> &'static str {
        match command {
            "PING" => "PONG",
            "POWER?" if self.power == self.target => self.power.get(),
            "POWER?" => {
                self.questions.set(self.questions.get() + 1);
                if self.questions.get() == 2 {
                    self.power.set(self.target.get());
                }
                "switching"
            }
            "POWER on" => self.switch("on"),
            "POWER off" => self.switch("off"),
            _ => "ERROR",
        }
    }

    fn switch(&self, target: &'static str) -> &'static str {
        self.target.set(target);
        self.questions.set(0);
        println!("switching {target}");
        "OK"
    }
}

fn main() -> Result<ExitCode, Box<dyn Error>> {
    let app = QCoreApplication::new();
    let arguments = QCoreApplication::arguments();
    let _program: QObject = match arguments.iter().map(String::as_str).collect::<Vec<_>>()[1..] {
        ["--simulate", password, ref faults @ ..] => {
            let device = SimulatedDevice::new(password, faults);
            device.listen(QHostAddress::LocalHost, 0)?;
            println!("listening on 127.0.0.1:{}", device.server_port());
            device.into()
        }
        [port, password, power @ ("on" | "off")] => {
            Switch::new(port.parse()?, password, power).into()
        }
        _ => {
            eprintln!("{USAGE}");
            return Ok(ExitCode::FAILURE);
        }
    };
    Ok(ExitCode::from(app.exec() as u8))
}
