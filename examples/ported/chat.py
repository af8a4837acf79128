#!/usr/bin/python3
"""A chat without a server: the peers on this machine find one another by broadcasts."""

import os
import sys

from PySide2.QtCore import (
    QByteArray,
    QCoreApplication,
    QDataStream,
    QElapsedTimer,
    QIODevice,
    QObject,
    QSocketNotifier,
    QTimer,
    Signal,
    Slot,
)
from PySide2.QtNetwork import (
    QAbstractSocket,
    QHostAddress,
    QTcpServer,
    QTcpSocket,
    QUdpSocket,
)

USAGE = """\
usage: chat.py NAME PORT

PORT is the UDP port of the broadcasts. Each line of standard input goes to all peers."""
MAX_LINE = 4096
MAX_SILENCE = 30_000
PING_INTERVAL = 5_000
BROADCAST_INTERVAL = 500
BROADCAST_ADDRESS = QHostAddress("127.255.255.255")


class Connection(QTcpSocket):
    """A connection to a peer, ready for use once the peer has told its name."""

    ready_for_use = Signal()
    new_message = Signal(str)

    def __init__(self, own_name, parent):
        super().__init__(parent)
        self.own_name = own_name
        self.name = ""
        self.last_heard = QElapsedTimer()
        self.ping_timer = QTimer(self)
        self.ping_timer.setInterval(PING_INTERVAL)
        self.ping_timer.timeout.connect(self.on_ping_timeout)
        self.connected.connect(self.greet)
        self.readyRead.connect(self.on_ready_read)
        self.disconnected.connect(self.ping_timer.stop)

    def send(self, kind, text=""):
        self.write(f"{kind} {text}\n".encode())

    @Slot()
    def greet(self):
        self.last_heard.start()
        self.ping_timer.start()
        self.send("GREETING", self.own_name)

    @Slot()
    def on_ping_timeout(self):
        if self.last_heard.hasExpired(MAX_SILENCE):
            self.abort()
        else:
            self.send("PING")

    @Slot()
    def on_ready_read(self):
        self.last_heard.start()
        while self.canReadLine():
            line = bytes(self.readLine()).decode(errors="replace").rstrip()
            kind, _, text = line.partition(" ")
            if kind == "GREETING" and not self.name and text:
                self.name = text
                self.ready_for_use.emit()
            elif kind == "MESSAGE" and self.name:
                self.new_message.emit(text)
            elif kind == "PING":
                self.send("PONG")
            elif kind != "PONG":
                self.abort()
        if self.bytesAvailable() > MAX_LINE:
            self.abort()


class Server(QTcpServer):
    """Accepts the connections of other peers."""

    accepted = Signal(Connection)

    def __init__(self, own_name, parent):
        super().__init__(parent)
        self.own_name = own_name

    def incomingConnection(self, descriptor):
        connection = Connection(self.own_name, self)
        self.accepted.emit(connection)
        if connection.setSocketDescriptor(descriptor):
            connection.greet()
        else:
            connection.deleteLater()


class Finder(QUdpSocket):
    """Tells the peers by broadcasts where this one listens, and hears theirs."""

    found = Signal(str, int)

    def __init__(self, own_name, server_port, parent):
        super().__init__(parent)
        self.own_name = own_name
        self.server_port = server_port
        self.timer = QTimer(self)
        self.timer.timeout.connect(self.broadcast)
        self.readyRead.connect(self.on_ready_read)

    def start(self, port):
        any_address = QHostAddress(QHostAddress.AnyIPv4)
        if not self.bind(any_address, port, QUdpSocket.ShareAddress):
            sys.exit(f"chat: {self.errorString()}")
        self.timer.start(BROADCAST_INTERVAL)
        self.broadcast()

    @Slot()
    def broadcast(self):
        data = QByteArray()
        stream = QDataStream(data, QIODevice.WriteOnly)
        stream.writeQString(self.own_name)
        stream.writeUInt16(self.server_port)
        self.writeDatagram(data, BROADCAST_ADDRESS, self.localPort())

    @Slot()
    def on_ready_read(self):
        while self.hasPendingDatagrams():
            stream = QDataStream(self.receiveDatagram().data())
            name, port = stream.readQString(), stream.readUInt16()
            if stream.status() == QDataStream.Ok:
                self.found.emit(name, port)


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


class Chat(QObject):
    """The peer: its connections are its children and those of its server."""

    def __init__(self, name, port):
        super().__init__()
        self.name = name
        self.leaving = False
        self.server = Server(name, self)
        self.server.accepted.connect(self.add)
        if not self.server.listen(QHostAddress(QHostAddress.LocalHost)):
            sys.exit(f"chat: {self.server.errorString()}")
        self.finder = Finder(name, self.server.serverPort(), self)
        self.finder.found.connect(self.on_found)
        self.finder.start(port)
        self.keyboard = Keyboard(self)
        self.keyboard.line.connect(self.say)
        self.keyboard.closed.connect(self.leave)

    @Slot(str, int)
    def on_found(self, name, port):
        """Connects to the peer, unless it is for the peer to connect to this one."""
        peer = f"{name}@{port}"
        is_new = self.findChild(Connection, peer) is None
        if is_new and (name, port) > (self.name, self.server.serverPort()):
            connection = Connection(self.name, self)
            connection.setObjectName(peer)
            self.add(connection)
            connection.connectToHost(QHostAddress(QHostAddress.LocalHost), port)

    @Slot(Connection)
    def add(self, connection):
        connection.ready_for_use.connect(lambda: self.on_ready(connection))
        connection.new_message.connect(
            lambda text: print(f"<{connection.name}> {text}")
        )
        connection.disconnected.connect(lambda: self.on_disconnected(connection))
        connection.errorOccurred.connect(connection.deleteLater)

    def on_ready(self, connection):
        print(f"* {connection.name} is here")

    def on_disconnected(self, connection):
        if connection.name:
            print(f"* {connection.name} is gone")
        connection.deleteLater()
        self.quit_if_alone()

    @Slot(str)
    def say(self, text):
        for connection in self.findChildren(Connection):
            connection.send("MESSAGE", text)

    @Slot()
    def leave(self):
        self.leaving = True
        for connection in self.findChildren(Connection):
            connection.disconnectFromHost()
        self.quit_if_alone()

    def quit_if_alone(self):
        states = [connection.state() for connection in self.findChildren(Connection)]
        is_alone = all(state == QAbstractSocket.UnconnectedState for state in states)
        if self.leaving and is_alone:
            QCoreApplication.quit()


def main():
    match sys.argv[1:]:
        case [name, port] if port.isdigit():
            sys.stdout.reconfigure(line_buffering=True)
            app = QCoreApplication(sys.argv)
            chat = Chat(name, int(port))
            sys.exit(app.exec_())
        case _:
            sys.exit(USAGE)


if __name__ == "__main__":
    main()
