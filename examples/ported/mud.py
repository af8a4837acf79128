#!/usr/bin/python3
"""A client for MUDs over TLS: removes telnet's commands and filters the lines."""

import os
import sys
from enum import Enum, IntEnum

from PySide2.QtCore import (
    QCoreApplication,
    QCryptographicHash,
    QObject,
    QSocketNotifier,
    Signal,
    Slot,
)
from PySide2.QtNetwork import QAbstractSocket, QHostAddress, QSslError, QSslSocket

USAGE = """\
usage: mud.py PORT FINGERPRINT [RULE...]

A certificate that the system does not trust needs this SHA-256 fingerprint. Each line of
standard input goes to the MUD. The rules apply to each line of the MUD in their order:

  gag:TEXT           hides lines with TEXT
  mark:TEXT          puts *** before lines with TEXT
  swap:TEXT=OTHER    replaces TEXT
  reply:TEXT=ANSWER  sends ANSWER after a line or prompt with TEXT"""
MAX_LINE = 4096
IGNORABLE = (
    QSslError.SelfSignedCertificate,
    QSslError.SelfSignedCertificateInChain,
    QSslError.HostNameMismatch,
    QSslError.UnableToGetLocalIssuerCertificate,
    QSslError.UnableToVerifyFirstCertificate,
    QSslError.CertificateUntrusted,
)


class Telnet(IntEnum):
    """The bytes of telnet's commands (RFC 854)."""

    SE = 240
    GA = 249
    SB = 250
    WILL = 251
    WONT = 252
    DO = 253
    DONT = 254
    IAC = 255


class MudSocket(QSslSocket):
    """A socket that emits the lines of a MUD, and refuses all options of telnet."""

    line_received = Signal(str)
    prompt_received = Signal(str)

    def __init__(self, parent):
        super().__init__(parent)
        self.text = bytearray()
        self.command = bytearray()
        self.readyRead.connect(self.on_ready_read)

    def send_line(self, line):
        self.write(line.encode() + b"\r\n")

    @Slot()
    def on_ready_read(self):
        for byte in bytes(self.readAll()):
            if self.command or byte == Telnet.IAC:
                self.command.append(byte)
                self.on_command_byte()
            elif byte == ord("\n") or len(self.text) == MAX_LINE:
                self.line_received.emit(self.take_text())
            else:
                self.text.append(byte)

    def take_text(self):
        text = self.text.decode(errors="replace").rstrip()
        self.text.clear()
        return text

    def on_command_byte(self):
        match list(self.command):
            case [_] | [_, Telnet.DO | Telnet.DONT | Telnet.WILL | Telnet.WONT]:
                return
            case [_, Telnet.IAC]:
                self.text.append(Telnet.IAC)
            case [_, Telnet.GA]:
                self.prompt_received.emit(self.take_text())
            case [_, Telnet.DO, option]:
                self.refuse(Telnet.WONT, option)
            case [_, Telnet.WILL, option]:
                self.refuse(Telnet.DONT, option)
            case [_, Telnet.SB, *_, Telnet.IAC, Telnet.SE]:
                pass
            case [_, Telnet.SB, *data] if len(data) < MAX_LINE:
                return
        self.command.clear()

    def refuse(self, answer, option):
        self.write(bytes([Telnet.IAC, answer, option]))


class Kind(Enum):
    """What a rule does."""

    GAG = "gag"
    MARK = "mark"
    SWAP = "swap"
    REPLY = "reply"


class Filters(QObject):
    """The rules, applied to lines and prompts."""

    shown = Signal(str)
    reply = Signal(str)

    def __init__(self, rules, parent):
        super().__init__(parent)
        self.rules = [parse(rule) for rule in rules]

    @Slot(str)
    def apply(self, line):
        replies = []
        for kind, text, value in self.rules:
            if text not in line:
                continue
            match kind:
                case Kind.GAG:
                    return
                case Kind.MARK:
                    line = f"*** {line}"
                case Kind.SWAP:
                    line = line.replace(text, value)
                case Kind.REPLY:
                    replies.append(value)
        self.shown.emit(line)
        for reply in replies:
            self.reply.emit(reply)


class Keyboard(QSocketNotifier):
    """The lines of standard input."""

    line = Signal(str)
    closed = Signal()

    def __init__(self, parent):
        super().__init__(sys.stdin.fileno(), QSocketNotifier.Read, parent)
        self.buffer = b""
        self.activated.connect(self.on_activated)

    @Slot()
    def on_activated(self):
        data = os.read(self.socket(), MAX_LINE)
        *lines, self.buffer = (self.buffer + data).split(b"\n")
        for line in lines:
            self.line.emit(line.decode(errors="replace"))
        if not data:
            self.setEnabled(False)
            self.closed.emit()


class Client(QObject):
    """Connects the keyboard, the socket, the filters and the screen."""

    def __init__(self, port, fingerprint, rules):
        super().__init__()
        self.fingerprint = fingerprint
        self.exit_code = 0
        self.filters = Filters(rules, self)
        self.filters.shown.connect(lambda line: print(line))
        self.socket = MudSocket(self)
        self.socket.line_received.connect(self.filters.apply)
        self.socket.prompt_received.connect(self.filters.apply)
        self.socket.encrypted.connect(lambda: print("* connected"))
        self.socket.sslErrors.connect(self.on_ssl_errors)
        self.socket.errorOccurred.connect(self.on_error)
        self.filters.reply.connect(self.socket.send_line)
        self.keyboard = Keyboard(self)
        self.keyboard.line.connect(self.socket.send_line)
        self.keyboard.closed.connect(self.socket.disconnectFromHost)
        self.socket.disconnected.connect(self.on_disconnected)
        self.socket.connectToHostEncrypted("127.0.0.1", port)

    @Slot(list)
    def on_ssl_errors(self, errors):
        for error in errors:
            print(f"! {error.errorString()}")
        digest = self.socket.peerCertificate().digest(QCryptographicHash.Sha256)
        if digest.toHex() == self.fingerprint.encode():
            ignored = [error for error in errors if error.error() in IGNORABLE]
            self.socket.ignoreSslErrors(ignored)
        else:
            print(f"! the fingerprint is {digest.toHex().data().decode()}")

    @Slot(QAbstractSocket.SocketError)
    def on_error(self, error):
        if error != QAbstractSocket.RemoteHostClosedError:
            print(f"! {self.socket.errorString()}")
            self.exit_code = 1
            self.on_disconnected()

    @Slot()
    def on_disconnected(self):
        QCoreApplication.exit(self.exit_code)


def parse(rule):
    """Parses KIND:TEXT or KIND:TEXT=VALUE."""
    kind, _, pattern = rule.partition(":")
    text, _, value = pattern.partition("=")
    try:
        return Kind(kind), text, value
    except ValueError as error:
        sys.exit(f"mud: {error}")


def main():
    match sys.argv[1:]:
        case [port, fingerprint, *rules] if port.isdigit():
            sys.stdout.reconfigure(line_buffering=True)
            app = QCoreApplication(sys.argv)
            client = Client(int(port), fingerprint, rules)
            sys.exit(app.exec_())
        case _:
            sys.exit(USAGE)


if __name__ == "__main__":
    main()
