#!/usr/bin/python3
"""Listens to binary packets of multicast groups, or sends some, on the loopback interface."""

import sys
from collections import deque
from typing import NamedTuple

from PySide2.QtCore import (
    QByteArray,
    QCoreApplication,
    QDataStream,
    QIODevice,
    QObject,
    QTimer,
    Signal,
    Slot,
)
from PySide2.QtNetwork import (
    QAbstractSocket,
    QHostAddress,
    QNetworkInterface,
    QUdpSocket,
)

USAGE = """\
usage: multicast.py PORT COUNT GROUP...
       multicast.py --send SENDER PORT COUNT GROUP [SKIPPED...]

The listener prints COUNT packets and what was lost. The sender, which has the number
SENDER, sends packets 0 to COUNT-1 to the group, except those to be skipped."""
MAGIC = 0x4D435354
VERSION = 1
TEXT, END = 0, 1
SEND_INTERVAL = 5


def loopback_interface():
    for interface in QNetworkInterface.allInterfaces():
        if interface.flags() & QNetworkInterface.IsLoopBack:
            return interface
    sys.exit("multicast: there is no loopback interface")


class Packet(NamedTuple):
    """A datagram: a magic number, a version, and these fields, in Qt's binary format."""

    kind: int
    sender: int
    number: int
    payload: str

    def encode(self):
        data = QByteArray()
        stream = QDataStream(data, QIODevice.WriteOnly)
        stream.writeUInt32(MAGIC)
        stream.writeUInt8(VERSION)
        stream.writeUInt8(self.kind)
        stream.writeUInt32(self.sender)
        stream.writeUInt32(self.number)
        stream.writeQString(self.payload)
        return data

    @staticmethod
    def decode(data):
        """Returns the packet, or None if the data is damaged."""
        stream = QDataStream(data)
        head = stream.readUInt32(), stream.readUInt8()
        kind, sender = stream.readUInt8(), stream.readUInt32()
        packet = Packet(kind, sender, stream.readUInt32(), stream.readQString())
        is_whole = stream.status() == QDataStream.Ok and stream.atEnd()
        return packet if head == (MAGIC, VERSION) and is_whole else None


class Flow:
    """Counts the packets of one sender to one group."""

    def __init__(self, first):
        self.expected = first
        self.received = 0
        self.lost = 0
        self.late = 0

    def count(self, number):
        """Counts a packet. Returns how many packets are missing before it."""
        self.received += 1
        missing = (number - self.expected) & 0xFFFF_FFFF
        if missing >= 0x8000_0000:
            self.late += 1
            self.lost = max(self.lost - 1, 0)
            return 0
        self.lost += missing
        self.expected = (number + 1) & 0xFFFF_FFFF
        return missing


class Listener(QUdpSocket):
    """Receives the packets of several groups."""

    packet_received = Signal(str, Packet)
    packets_missing = Signal(str, int)
    damaged = Signal(str)

    def __init__(self, parent=None):
        super().__init__(parent)
        self.flows = {}
        self.readyRead.connect(self.on_ready_read)

    def start(self, port, groups):
        any_address = QHostAddress(QHostAddress.AnyIPv4)
        if not self.bind(any_address, port, QUdpSocket.ShareAddress):
            return False
        interface = loopback_interface()
        return all(
            self.joinMulticastGroup(QHostAddress(group), interface) for group in groups
        )

    @Slot()
    def on_ready_read(self):
        while self.hasPendingDatagrams():
            datagram = self.receiveDatagram()
            group = datagram.destinationAddress().toString()
            packet = Packet.decode(datagram.data())
            if packet is None:
                self.damaged.emit(group)
                continue
            key = (group, packet.sender)
            flow = self.flows.setdefault(key, Flow(packet.number))
            missing = flow.count(packet.number)
            if missing > 0:
                self.packets_missing.emit(group, missing)
            self.packet_received.emit(group, packet)


class Monitor(QObject):
    """Prints what the listener receives, until it has received enough."""

    def __init__(self, port, count, groups):
        super().__init__()
        self.count = count
        self.listener = Listener(self)
        self.listener.packet_received.connect(self.on_packet)
        self.listener.packets_missing.connect(lambda g, n: print(f"{g}: {n} missing"))
        self.listener.damaged.connect(lambda group: print(f"{group}: damaged packet"))
        if not self.listener.start(port, groups):
            sys.exit(f"multicast: {self.listener.errorString()}")
        print(f"listening on 0.0.0.0:{self.listener.localPort()}")

    @Slot(str, Packet)
    def on_packet(self, group, packet):
        kind = "end" if packet.kind == END else "text"
        print(f"{group}: {kind} {packet.number} {packet.payload}")
        self.count -= 1
        if self.count == 0:
            self.listener.blockSignals(True)
            self.print_summary()
            QCoreApplication.quit()

    def print_summary(self):
        for (group, sender), flow in sorted(self.listener.flows.items()):
            counts = f"{flow.received} received, {flow.lost} lost, {flow.late} late"
            print(f"{group}: sender {sender}: {counts}")


class Sender(QObject):
    """Sends packets at regular times."""

    def __init__(self, sender, port, group, numbers):
        super().__init__()
        self.sender = sender
        self.port = port
        self.group = QHostAddress(group)
        self.numbers = deque(numbers)
        self.socket = QUdpSocket(self)
        self.socket.bind(QHostAddress(QHostAddress.AnyIPv4))
        self.socket.setSocketOption(QAbstractSocket.MulticastTtlOption, 0)
        self.socket.setMulticastInterface(loopback_interface())
        self.timer = QTimer(self)
        self.timer.timeout.connect(self.send_next)
        self.timer.start(SEND_INTERVAL)

    @Slot()
    def send_next(self):
        if not self.numbers:
            QCoreApplication.quit()
            return
        number = self.numbers.popleft()
        kind = TEXT if self.numbers else END
        packet = Packet(kind, self.sender, number, f"packet {number}")
        if self.socket.writeDatagram(packet.encode(), self.group, self.port) < 0:
            sys.exit(f"multicast: {self.socket.errorString()}")


def main():
    sys.stdout.reconfigure(line_buffering=True)
    app = QCoreApplication(sys.argv)
    match sys.argv[1:]:
        case ["--send", sender, port, count, group, *skipped]:
            numbers = [n for n in range(int(count)) if str(n) not in skipped]
            sender = Sender(int(sender), int(port), group, numbers)
        case [port, count, *groups] if groups:
            monitor = Monitor(int(port), int(count), groups)
        case _:
            sys.exit(USAGE)
    sys.exit(app.exec_())


if __name__ == "__main__":
    main()
