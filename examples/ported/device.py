#!/usr/bin/python3
"""Switches a device on or off over the network, and waits until it is."""

import hashlib
import secrets
import sys
from collections import deque

from PySide2.QtCore import QCoreApplication, QObject, QTimer, Signal, Slot
from PySide2.QtNetwork import QAbstractSocket, QHostAddress, QTcpServer, QTcpSocket

USAGE = """\
usage: device.py PORT PASSWORD on|off
       device.py --simulate PASSWORD [FAULT...]

The second form is a device to try it with. It prints its port. Each connection has the
next fault: deaf (never says hello), silent (answers no command) or drop (hangs up after
the log-in). Connections after that have no fault."""
CONNECT_TIMEOUT = 2000
COMMAND_TIMEOUT = 2000
POLL_INTERVAL = 400
KEEP_ALIVE = 150
RETRY_DELAY = 100
MAX_SILENCE = 5000
MAX_LINE = 1024


def digest(challenge, password):
    return hashlib.sha256(f"{challenge}:{password}".encode()).hexdigest()


def lines_of(socket):
    """The whole lines that have arrived. Aborts the socket if a line has no end."""
    while socket.canReadLine():
        yield bytes(socket.readLine()).decode(errors="replace").strip()
    if socket.bytesAvailable() > MAX_LINE:
        socket.abort()


class Device(QObject):
    """The client's end: logs in, sends commands one by one, and polls the power."""

    ready = Signal()
    denied = Signal()
    failed = Signal(str)
    answered = Signal(str, str)
    power_changed = Signal(str)

    def __init__(self, port, password, parent=None):
        super().__init__(parent)
        self.port = port
        self.password = password
        self.power = ""
        self.waiting_for = ""
        self.commands = deque()
        self.socket = QTcpSocket(self)
        self.socket.readyRead.connect(self.on_ready_read)
        self.socket.errorOccurred.connect(self.on_error)
        self.connect_timer = QTimer(self)
        self.connect_timer.setSingleShot(True)
        self.connect_timer.setInterval(CONNECT_TIMEOUT)
        self.connect_timer.timeout.connect(lambda: self.fail("no log-in in time"))
        self.command_timer = QTimer(self)
        self.command_timer.setSingleShot(True)
        self.command_timer.setInterval(COMMAND_TIMEOUT)
        self.command_timer.timeout.connect(self.on_command_timeout)
        self.poll_timer = QTimer(self)
        self.poll_timer.setInterval(POLL_INTERVAL)
        self.poll_timer.timeout.connect(lambda: self.send("POWER?"))
        self.keep_alive_timer = QTimer(self)
        self.keep_alive_timer.setInterval(KEEP_ALIVE)
        self.keep_alive_timer.timeout.connect(lambda: self.send("PING"))

    @Slot()
    def open(self):
        self.connect_timer.start()
        self.socket.connectToHost(QHostAddress(QHostAddress.LocalHost), self.port)

    def send(self, command):
        self.commands.append(command)
        self.send_next()

    def send_next(self):
        if self.commands and not self.waiting_for:
            self.waiting_for = self.commands.popleft()
            self.socket.write(f"{self.waiting_for}\n".encode())
            self.command_timer.start()
            self.keep_alive_timer.start()

    @Slot()
    def on_ready_read(self):
        for line in lines_of(self.socket):
            word, _, rest = line.partition(" ")
            if word == "HELLO":
                answer = digest(rest, self.password)
                self.socket.write(f"LOGIN {answer}\n".encode())
            elif word == "WELCOME":
                self.connect_timer.stop()
                self.poll_timer.start()
                self.ready.emit()
            elif word == "DENIED":
                self.close()
                self.denied.emit()
            elif self.waiting_for:
                self.on_answer(line)

    def on_answer(self, answer):
        command, self.waiting_for = self.waiting_for, ""
        self.command_timer.stop()
        if command == "POWER?" and answer != self.power:
            self.power = answer
            self.power_changed.emit(answer)
        elif command not in ("POWER?", "PING"):
            self.answered.emit(command, answer)
        self.send_next()

    @Slot()
    def on_command_timeout(self):
        self.fail(f"no answer to {self.waiting_for}")

    @Slot(QAbstractSocket.SocketError)
    def on_error(self, _error):
        self.fail(self.socket.errorString())

    def close(self):
        for timer in self.findChildren(QTimer):
            timer.stop()
        self.waiting_for = ""
        self.commands.clear()
        self.socket.abort()

    def fail(self, reason):
        self.close()
        self.failed.emit(reason)
        QTimer.singleShot(RETRY_DELAY, self.open)


class Switch(QObject):
    """Switches a device on or off, and ends the program once it is."""

    def __init__(self, port, password, power):
        super().__init__()
        self.power = power
        self.device = Device(port, password, self)
        self.device.ready.connect(self.on_ready)
        self.device.denied.connect(self.on_denied)
        self.device.failed.connect(lambda reason: print(f"failed: {reason}"))
        self.device.answered.connect(lambda *answer: print("{}: {}".format(*answer)))
        self.device.power_changed.connect(self.on_power_changed)
        self.device.open()

    @Slot()
    def on_ready(self):
        print("logged in")
        self.device.send(f"POWER {self.power}")

    @Slot()
    def on_denied(self):
        print("the password is wrong")
        QCoreApplication.exit(1)

    @Slot(str)
    def on_power_changed(self, power):
        print(f"power is {power}")
        if power == self.power:
            QCoreApplication.quit()


class Session(QTcpSocket):
    """The device's end of a connection."""

    def __init__(self, fault, device):
        super().__init__(device)
        self.fault = fault
        self.device = device
        self.challenge = secrets.token_hex(8)
        self.logged_in = False
        self.silence_timer = QTimer(self)
        self.silence_timer.setInterval(MAX_SILENCE)
        self.silence_timer.timeout.connect(self.abort)
        self.readyRead.connect(self.on_ready_read)
        self.disconnected.connect(self.on_disconnected)

    def say(self, line):
        self.write(f"{line}\n".encode())

    def start(self):
        self.silence_timer.start()
        if self.fault != "deaf":
            self.say(f"HELLO {self.challenge}")

    @Slot()
    def on_ready_read(self):
        self.silence_timer.start()
        for line in lines_of(self):
            if not self.logged_in:
                self.log_in(line)
            elif self.fault != "silent":
                self.say(self.device.answer(line))

    def log_in(self, line):
        self.logged_in = line == "LOGIN " + digest(self.challenge, self.device.password)
        print("log-in accepted" if self.logged_in else "log-in denied")
        self.say("WELCOME" if self.logged_in else "DENIED")
        if self.fault == "drop" or not self.logged_in:
            self.disconnectFromHost()

    @Slot()
    def on_disconnected(self):
        print("connection closed")
        self.deleteLater()


class SimulatedDevice(QTcpServer):
    """A device that is on or off when its power was asked for twice after a command."""

    def __init__(self, password, faults):
        super().__init__()
        self.password = password
        self.faults = deque(faults)
        self.power = "off"
        self.target = "off"
        self.questions = 0

    def incomingConnection(self, descriptor):
        session = Session(self.faults.popleft() if self.faults else "", self)
        if session.setSocketDescriptor(descriptor):
            session.start()
        else:
            session.deleteLater()

    def answer(self, command):
        match command.split():
            case ["PING"]:
                return "PONG"
            case ["POWER?"] if self.power == self.target:
                return self.power
            case ["POWER?"]:
                self.questions += 1
                if self.questions == 2:
                    self.power = self.target
                return "switching"
            case ["POWER", "on" | "off" as target]:
                self.target = target
                self.questions = 0
                print(f"switching {target}")
                return "OK"
            case _:
                return "ERROR"


def main():
    sys.stdout.reconfigure(line_buffering=True)
    app = QCoreApplication(sys.argv)
    match sys.argv[1:]:
        case ["--simulate", password, *faults]:
            server = SimulatedDevice(password, faults)
            if not server.listen(QHostAddress(QHostAddress.LocalHost)):
                sys.exit(server.errorString())
            print(f"listening on 127.0.0.1:{server.serverPort()}")
        case [port, password, "on" | "off" as power] if port.isdigit():
            switch = Switch(int(port), password, power)
        case _:
            sys.exit(USAGE)
    sys.exit(app.exec_())


if __name__ == "__main__":
    main()
