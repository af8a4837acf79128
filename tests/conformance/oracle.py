#!/usr/bin/python3
"""Runs a conformance scenario on real Qt 5.15 (through PySide2) and prints its trace.

Usage: oracle.py SCENARIO...            print each trace
       oracle.py --bless SCENARIO...    write each trace beside its scenario, as NAME.trace
       oracle.py --check SCENARIO...    run each one again and compare with NAME.trace
       oracle.py --proxy KIND ...       the same with every tcp led by a proxy, socks5 or http; what that
                                        changes is in NAME.KIND.trace. The proxy is the runner's own
                                        (cargo build -p conformance; or CONFORMANCE=PATH)

Needs Debian's python3-pyside2.qtnetwork.  The language is described in FORMAT.md.
"""
import ctypes
import os
import re
import select
import shutil
import signal
import socket
import struct
import sys
import tempfile
import threading
import time

import shiboken2
from PySide2 import QtCore, QtNetwork
from PySide2.QtCore import QByteArray, QCoreApplication, QEventLoop, QIODevice, QObject, QThread, QTimer, Qt
from PySide2.QtNetwork import (QAbstractSocket, QHostAddress, QHostInfo, QLocalServer, QLocalSocket,
                               QNetworkProxy, QSsl, QSslCertificate, QSslConfiguration, QSslError,
                               QSslKey, QSslSocket, QTcpServer, QTcpSocket, QUdpSocket)

HERE = os.path.dirname(os.path.abspath(__file__))
DEFAULT_WITHIN = 5000

# ---------------------------------------------------------------- parsing

TOKEN = re.compile(r'''\s*(?:
    (?P<str>"(?:[^"\\]|\\.)*") | (?P<num>-?\d+(?:\.\d+)?) | (?P<op>==|!=|>=|<=|>|<|\||\(|\)|,|\.) |
    (?P<name>[A-Za-z_][A-Za-z0-9_]*) )''', re.X)


def tokens(text):
    out, at = [], 0
    text = text.rstrip()
    while at < len(text):
        match = TOKEN.match(text, at)
        if not match:
            raise SyntaxError("cannot read: " + text[at:])
        kind = match.lastgroup
        out.append((kind, match.group(kind)))
        at = match.end()
    return out


def unescape(text):
    out, i, text = bytearray(), 0, text[1:-1]
    while i < len(text):
        c = text[i]
        if c != "\\":
            out += c.encode()
            i += 1
            continue
        c = text[i + 1]
        if c == "x":
            out.append(int(text[i + 2:i + 4], 16))
            i += 4
            continue
        out += {"n": b"\n", "r": b"\r", "t": b"\t", "0": b"\0", "\\": b"\\", '"': b'"'}[c]
        i += 2
    return bytes(out)


class Parser:
    """expr := string | number | repeat(string, n) | NAME(|NAME)* | OBJ.method(expr, ...) | OBJ.word"""

    def __init__(self, text):
        self.toks, self.at = tokens(text), 0

    def peek(self):
        return self.toks[self.at] if self.at < len(self.toks) else (None, None)

    def take(self, want=None):
        kind, value = self.peek()
        if want is not None and value != want:
            raise SyntaxError("expected %r, found %r" % (want, value))
        self.at += 1
        return kind, value

    def args(self):
        out = []
        self.take("(")
        while self.peek()[1] != ")":
            out.append(self.expr())
            if self.peek()[1] == ",":
                self.take()
        self.take(")")
        return out

    def expr(self):
        kind, value = self.take()
        if kind == "str":
            return ("bytes", unescape(value))
        if kind == "num":
            return ("num", float(value) if "." in value else int(value))
        if kind != "name":
            raise SyntaxError("unexpected %r" % value)
        if value == "repeat":
            text, count = self.args()
            return ("bytes", text[1] * count[1])
        if self.peek()[1] == ".":
            self.take()
            method = self.take()[1]
            args = self.args() if self.peek()[1] == "(" else None
            return ("call", value, method, args)
        names = [value]
        while self.peek()[1] == "|":
            self.take()
            names.append(self.take()[1])
        return ("names", names)


def parse_block(lines, indent):
    """Lines are (number, indent, text); returns statements (number, text, block)."""
    out = []
    while lines and lines[0][1] >= indent:
        number, depth, text = lines.pop(0)
        if depth > indent:
            raise SyntaxError("line %d: unexpected indent" % number)
        block = None
        if lines and lines[0][1] > indent:
            block = parse_block(lines, lines[0][1])
        out.append((number, text, block))
    return out


def parse(path):
    lines = []
    for number, line in enumerate(open(path, encoding="utf-8"), 1):
        text = line.rstrip()
        if text.strip() and not text.lstrip().startswith("#"):
            lines.append((number, len(text) - len(text.lstrip()), text.strip()))
    return parse_block(lines, 0)


# ---------------------------------------------------------------- printing values

def enum_name(value):
    return str(value).split(".")[-1]


def show_bytes(data):
    data = bytes(data)
    if len(data) > 120:
        total = 0
        for byte in data:                      # a plain rolling sum any language can repeat
            total = (total * 31 + byte) & 0xffffffff
        return "<%d bytes sum %08x>" % (len(data), total)
    out = ""
    for byte in data:
        c = chr(byte)
        if c in '"\\':
            out += "\\" + c
        elif c == "\n":
            out += "\\n"
        elif c == "\r":
            out += "\\r"
        elif c == "\t":
            out += "\\t"
        elif 32 <= byte < 127:
            out += c
        else:
            out += "\\x%02x" % byte
    return '"' + out + '"'


# ---------------------------------------------------------------- plain peers (no Qt in them)

class Peer:
    """A plain TCP end driven by blocking calls."""

    def __init__(self, world, name, options):
        self.world, self.name = world, name
        family = socket.AF_INET6 if "ipv6" in options else socket.AF_INET
        self.host = "::1" if "ipv6" in options else "127.0.0.1"
        self.listener = socket.socket(family)
        self.listener.bind((self.host, 0))
        self.conn, self.fillers = None, []
        port = self.listener.getsockname()[1]
        world.port_names[port] = name + ".port"
        self.the_port = port
        if "full" in options:                  # a listener whose queue is full: a connect to it hangs
            self.listener.listen(0)
            for _ in range(2):
                filler = socket.socket(family)
                filler.setblocking(False)
                filler.connect_ex((self.host, port))
                self.fillers.append(filler)
            time.sleep(0.05)
        elif "closed" not in options:          # closed: bound, so that nobody else gets the port, but no listener
            self.listener.listen(16)

    def port(self):
        return self.the_port

    def accept(self):
        self.listener.settimeout(5)
        self.conn, _ = self.listener.accept()
        self.conn.settimeout(5)

    def connect(self, port):
        self.conn = socket.socket(self.listener.family)
        self.conn.settimeout(5)
        self.conn.bind((self.host, 0))         # so that its name is known before the other end can ask for it
        self.world.port_names[self.connport()] = self.name + ".connport"
        self.conn.connect((self.host, port))

    def connport(self):
        return self.conn.getsockname()[1]

    def send(self, data):
        self.conn.sendall(data)

    def recv(self, count):
        data = b""
        while len(data) < count:
            more = self.conn.recv(count - len(data))
            if not more:
                break
            data += more
        return data

    def recvEof(self):
        data = b""
        while True:
            try:
                more = self.conn.recv(65536)
            except ConnectionResetError:
                return "reset"
            if not more:
                return data
            data += more

    def available(self):
        if not self.conn or not select.select([self.conn], [], [], 0)[0]:
            return 0
        return len(self.conn.recv(1 << 20, socket.MSG_PEEK))

    def pending(self):
        return 1 if select.select([self.listener], [], [], 0)[0] else 0

    def shutdownWrite(self):
        self.conn.shutdown(socket.SHUT_WR)

    def close(self):
        self.conn.close()

    def closeListener(self):
        self.listener.close()

    def reset(self):
        self.conn.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.conn.close()


class UdpPeer:
    def __init__(self, world, name, options):
        v6 = "ipv6" in options
        self.world, self.name = world, name
        self.sock = socket.socket(socket.AF_INET6 if v6 else socket.AF_INET, socket.SOCK_DGRAM)
        self.host = "::1" if v6 else "127.0.0.1"
        self.sock.bind((self.host, 0))
        self.sock.settimeout(5)
        self.the_port = self.sock.getsockname()[1]
        world.port_names[self.the_port] = name + ".port"

    def port(self):
        return self.the_port

    def sendTo(self, data, port):
        self.sock.sendto(data, (self.host, port))

    def recvFrom(self):
        data, (host, port, *_) = self.sock.recvfrom(65536)
        return (data, QHostAddress(host), self.world.port(port))

    def available(self):
        return 1 if select.select([self.sock], [], [], 0)[0] else 0

    def close(self):
        self.sock.close()


# ---------------------------------------------------------------- Qt objects

class Emitter(QObject):
    fired = QtCore.Signal(int)
    other = QtCore.Signal(int)


class Slot(QObject):
    """A slot that is a real one: PySide2 connects, cuts and queues a plain function in its own way, not in Qt's."""

    def __init__(self, function):
        super().__init__()
        self.function = function

    @QtCore.Slot(int)
    def called(self, value):
        self.function(value)

    @QtCore.Slot()
    def plain(self):
        self.function()


class Thread(QThread):
    """Runs its event loop, and traces what that returns."""

    def __init__(self, world, name):
        super().__init__()
        self.world, self.name = world, name
        self.errand = Emitter()                              # brings the blocks of `in NAME` to the thread
        self.blocks = []
        self.runner = Slot(lambda number: self.blocks[number]())
        QObject.connect(self.errand, QtCore.SIGNAL("fired(int)"), self.runner, QtCore.SLOT("called(int)"),
                        Qt.QueuedConnection)
        self.runner.moveToThread(self)

    def run(self):
        self.world.log(self.name, "= %d" % self.exec_())

    def post(self, function):
        self.blocks.append(function)
        self.errand.fired.emit(len(self.blocks) - 1)


class Gone(QObject):
    """Hears an object's destroyed(): a plain function would be called with a wrapper of what is no more."""

    def __init__(self, function):
        super().__init__()
        self.function = function

    @QtCore.Slot()
    def gone(self):
        self.function()


class Doomed(QObject):
    """Sees, as an event filter, that an object's deferred delete is about to be carried out."""

    def __init__(self, function):
        super().__init__()
        self.function = function

    def eventFilter(self, obj, event):
        if event.type() == QtCore.QEvent.DeferredDelete:
            self.function()
        return False


class SslServer(QTcpServer):
    """Hands each incoming connection to a QSslSocket, still unencrypted."""

    def incomingConnection(self, descriptor):
        sock = QSslSocket(self)
        sock.setSocketDescriptor(descriptor)
        self.addPendingConnection(sock)


SIGNALS = {
    QAbstractSocket: "hostFound connected disconnected stateChanged errorOccurred proxyAuthenticationRequired",
    QLocalSocket: "connected disconnected stateChanged errorOccurred",
    QIODevice: "readyRead bytesWritten aboutToClose readChannelFinished",
    QSslSocket: "encrypted modeChanged sslErrors peerVerifyError",
    QTcpServer: "newConnection acceptError",
    QLocalServer: "newConnection",
    QTimer: "timeout",
}
BYTES_METHODS = {"write", "setData", "writeDatagram", "send", "sendTo"}
ADDRESS_METHODS = {"bind": 0, "listen": 0, "writeDatagram": 1, "joinMulticastGroup": 0, "leaveMulticastGroup": 0,
                   "isEqual": 0, "isInSubnet": 0, "setLocalAddress": 0, "setPeerAddress": 0}
SPECIAL_ADDRESSES = {"Null", "Broadcast", "LocalHost", "LocalHostIPv6", "Any", "AnyIPv6", "AnyIPv4"}
PORT_METHODS = {"port", "connport", "localPort", "peerPort", "serverPort"}
LOCKED = (QSslSocket, QTcpServer, QLocalServer, QLocalSocket)   # PySide2 stops all threads in their waitFor functions
QT_NETWORK = ctypes.CDLL("libQt5Network.so.5")
QT_CORE = ctypes.CDLL("libQt5Core.so.5")
ENUM_HOMES = (QAbstractSocket, QIODevice, QHostAddress, QSsl, QSslSocket, QNetworkProxy, QLocalSocket,
              QLocalServer, QEventLoop, Qt, QSslError, QTimer)


class Port(str):
    """A port as it is shown: NAME.port where it is known, else its number."""


class World:
    def __init__(self, path):
        self.path = path
        self.objects, self.order, self.lines = {}, [], []
        self.port_names, self.counts, self.slots = {}, {}, {}
        self.grouped, self.keep = True, []
        self.threads, self.here = [], threading.local()
        self.pointers, self.vtables, self.dying = {}, {}, set()
        self.thread_names = {}
        self.proxy = None

    @property
    def args(self):
        """The arguments of the signal whose block this thread runs."""
        return getattr(self.here, "args", ())

    @args.setter
    def args(self, args):
        self.here.args = args

    @property
    def calling(self):
        """The calls that this thread is making."""
        if not hasattr(self.here, "calling"):
            self.here.calling = []
        return self.here.calling

    # ---- tracing

    def log(self, name, text):
        self.lines.append((name, self.thread_name(), text))

    def thread_name(self):
        """The scenario's name of the thread that is running; None in the main thread."""
        if not self.thread_names:
            return None
        return self.thread_names.get(shiboken2.getCppPointer(QThread.currentThread())[0])

    def port(self, number):
        return Port(self.port_names.get(number, str(number)))

    def show(self, value):
        if value is None:
            return "-"
        if isinstance(value, bool):
            return "true" if value else "false"
        if isinstance(value, Port):
            return value
        if isinstance(value, (int, float)):
            return repr(value)
        if isinstance(value, (bytes, QByteArray)):
            return show_bytes(bytes(value))
        if isinstance(value, str):
            return show_bytes(value.encode())
        if isinstance(value, QHostAddress):
            return value.toString() or "null"
        if isinstance(value, QtNetwork.QNetworkDatagram):
            return "%s from %s:%s to %s:%s" % (show_bytes(value.data()), self.show(value.senderAddress()),
                                               self.port(value.senderPort()), self.show(value.destinationAddress()),
                                               self.port(value.destinationPort()))
        if isinstance(value, QSslError):
            return enum_name(value.error())
        if isinstance(value, (list, tuple)):
            return "(" + ", ".join(self.show(item) for item in value) + ")"
        if isinstance(value, QNetworkProxy):
            return "proxy(%s, %s, %s)" % (enum_name(value.type()), self.show(value.hostName()), self.port(value.port()))
        if isinstance(value, QtNetwork.QAuthenticator):
            return "authenticator(realm %s)" % self.show(value.realm())
        if isinstance(value, QIODevice.OpenMode):
            bits = int(value)
            names = [n for n, b in (("ReadOnly", 1), ("WriteOnly", 2), ("Append", 4), ("Truncate", 8), ("Text", 16),
                                    ("Unbuffered", 32)) if bits & b]
            return "|".join(names).replace("ReadOnly|WriteOnly", "ReadWrite") or "NotOpen"
        if isinstance(value, QAbstractSocket.PauseModes):
            return "PauseOnSslErrors" if int(value) else "PauseNever"
        if isinstance(value, QObject):
            for name, obj in self.objects.items():
                if obj is value:
                    return name
            return type(value).__name__
        return enum_name(value)

    def snapshot(self, name):
        if self.is_deleted(name):
            return ""
        obj = self.living(name)
        if isinstance(obj, QAbstractSocket):
            return " [%s %s avail=%d out=%d %s]" % (enum_name(obj.state()), enum_name(obj.error()), obj.bytesAvailable(),
                                                    obj.bytesToWrite(), "open" if obj.isOpen() else "closed")
        if isinstance(obj, QLocalSocket):
            return " [%s avail=%d out=%d %s]" % (enum_name(obj.state()), obj.bytesAvailable(), obj.bytesToWrite(),
                                                 "open" if obj.isOpen() else "closed")
        return ""

    # ---- objects

    def watch(self, name, obj):
        self.objects[name] = obj
        self.order.append(name)
        self.pointers[name] = shiboken2.getCppPointer(obj)[0]
        self.vtables[name] = word_at(self.pointers[name])
        for home, signals in SIGNALS.items():
            if not isinstance(obj, home):
                continue
            for signal_name in signals.split():
                getattr(obj, signal_name).connect(self.recorder(name, signal_name))
        record = self.recorder(name, "destroyed")

        def gone():
            self.dying.add(name)
            record()
        self.keep.append(Gone(gone))
        # Where the object dies, whatever thread that is.
        QObject.connect(obj, QtCore.SIGNAL("destroyed()"), self.keep[-1], QtCore.SLOT("gone()"), Qt.DirectConnection)
        if isinstance(obj, QLocalSocket):      # its destructor emits before its virtual table changes
            self.keep.append(Doomed(lambda: self.dying.add(name)))
            obj.installEventFilter(self.keep[-1])

    def is_deleted(self, name):
        """Whether the destructor has begun.  Memory is looked at only before destroyed(), while it is there."""
        if name in self.dying:
            return True
        if word_at(self.pointers[name]) != self.vtables[name]:
            return True
        return isinstance(self.objects[name], QLocalSocket) and self.parent_of(name) in self.dying

    def parent_of(self, name):
        """The name of an object's parent; read from QObjectData, as parent() would tie the two wrappers together."""
        parent = word_at(word_at(self.pointers[name] + WORD) + 2 * WORD)
        for other, pointer in reversed(list(self.pointers.items())):   # an address may serve twice: the last holds it
            if pointer == parent:
                return other
        return None

    def living(self, name):
        """The object of that name, which no call may reach from the moment its destructor begins."""
        obj = self.objects[name]
        if not isinstance(obj, QObject):
            return obj
        if self.is_deleted(name):
            raise ReferenceError(name + " is destroyed")
        if not shiboken2.isValid(obj):         # PySide2 gives up a server's sockets when the server begins to die
            obj = self.objects[name] = shiboken2.wrapInstance(self.pointers[name], type(obj))
        return obj

    def recorder(self, name, signal_name):
        def record(*args):
            self.note_ports(name)
            shown = "(%s)" % ", ".join(self.show(a) for a in args) if args else ""
            self.log(name, "| %s%s%s" % (signal_name, shown, self.snapshot(name)))
            key = name + "." + signal_name
            self.counts[key] = self.counts.get(key, 0) + 1
            for entry in list(self.slots.get(key, ())):
                if entry[1] == 0:
                    continue
                entry[1] -= 1
                outer, self.args = self.args, args
                self.run_block(entry[0])
                self.args = outer
        return record

    def note_ports(self, name):
        if name not in self.pointers or self.is_deleted(name):
            return
        obj = self.living(name)
        if isinstance(obj, QAbstractSocket) and obj.localPort() > 0:
            self.port_names.setdefault(obj.localPort(), name + ".port")

    def create(self, kind, name, rest):
        if kind in ("peer", "udppeer"):
            self.objects[name] = (Peer if kind == "peer" else UdpPeer)(self, name, rest.split())
            self.order.append(name)
            return
        if kind == "thread":
            self.create_thread(name)
            return
        made = {"tcp": QTcpSocket, "udp": QUdpSocket, "ssl": QSslSocket, "server": QTcpServer, "sslserver": SslServer,
                "timer": QTimer, "obj": Emitter, "buffer": QtCore.QBuffer, "local": QLocalSocket,
                "localserver": QLocalServer, "address": QHostAddress, "loop": QEventLoop}[kind]
        if rest.startswith("="):
            parser = Parser(rest[1:].strip())
            obj = self.evaluate(parser.expr())
            if obj is None:
                self.log(name, "= -")
                self.order.append(name)
                return
        else:
            obj = made()
            if rest.startswith("in "):
                obj.moveToThread(self.living(rest[3:].strip()))
            if kind == "tcp" and self.proxy is not None:
                obj.setProxy(self.proxy)
        self.keep.append(obj)
        if isinstance(obj, QHostAddress):
            self.objects[name] = obj
            self.order.append(name)
        else:
            self.watch(name, obj)

    def create_thread(self, name):
        thread = Thread(self, name)
        self.thread_names[shiboken2.getCppPointer(thread)[0]] = name
        self.keep.append(thread)
        self.watch(name, thread)
        for signal_name in ("started", "finished"):
            told = Slot(self.recorder(name, signal_name))     # in the main thread, by the loop
            direct = Slot(lambda signal_name=signal_name: self.log(name, "| " + signal_name))
            for slot, kind in ((told, Qt.AutoConnection), (direct, Qt.DirectConnection)):
                self.keep.append(slot)
                QObject.connect(thread, QtCore.SIGNAL(signal_name + "()"), slot, QtCore.SLOT("plain()"), kind)

    # ---- evaluation

    def argument(self, method, index, node, obj=None):
        kind = node[0]
        if kind == "bytes":
            if ADDRESS_METHODS.get(method) == index and not isinstance(obj, QLocalServer):
                return QHostAddress(node[1].decode())
            if method in BYTES_METHODS and index == 0:
                return QByteArray(node[1]) if method not in ("send", "sendTo") else node[1]
            return node[1].decode()
        if kind == "num":
            return node[1]
        if kind == "call":
            return self.evaluate(node)
        names = node[1]
        if names == ["true"] or names == ["false"]:
            return names == ["true"]
        if len(names) == 1 and names[0] in SPECIAL_ADDRESSES and method in ADDRESS_METHODS:
            return QHostAddress(getattr(QHostAddress, names[0]))
        if len(names) == 1 and names[0] in self.objects:
            return self.living(names[0])
        value = None
        for one in names:
            for home in ENUM_HOMES:
                if hasattr(home, one):
                    found = getattr(home, one)
                    value = found if value is None else value | found
                    break
            else:
                if len(names) == 1:
                    return one                               # a signal's or a slot's name
                raise NameError(one)
        return value

    def evaluate(self, node, show=False):
        """A call; its value, where it is to be shown with a port as its name."""
        if node[0] != "call":
            return self.argument("", 0, node)
        _, name, method, nodes = node
        if method == "isDeleted" and nodes == [] and name in self.pointers:
            return self.is_deleted(name)
        obj = self.living(name)
        args = [self.argument(method, i, n, obj) for i, n in enumerate(nodes or [])]
        self.calling.append((name, method))
        value = self.call(name, obj, method, args)
        self.calling.pop()
        if isinstance(obj, QTcpServer) and not self.is_deleted(name) and obj.serverPort():
            self.port_names.setdefault(obj.serverPort(), name + ".port")
        self.note_ports(name)
        return self.port(value) if show and method in PORT_METHODS else value

    def call(self, name, obj, method, args):
        helper = getattr(self, "do_" + method, None)
        if helper and not isinstance(obj, (Peer, UdpPeer)):
            return helper(name, obj, *args)
        if method.startswith("waitFor") and isinstance(obj, LOCKED):
            return unlocked(obj, method, *args)
        if method == "port" and isinstance(obj, (QAbstractSocket, QTcpServer)):
            return obj.localPort() if isinstance(obj, QAbstractSocket) else obj.serverPort()
        return getattr(obj, method)(*args)

    def do_setParent(self, name, obj, parent):
        """Not PySide2's own: it would make a child's wrapper useless while its parent is still dying."""
        if parent is obj or not isinstance(parent, QObject) and parent != "null":
            raise TypeError("no parent for " + name)
        pointer = None if parent == "null" else shiboken2.getCppPointer(parent)[0]
        child = shiboken2.getCppPointer(obj)[0]
        QT_CORE._ZN7QObject9setParentEPS_(ctypes.c_void_p(child), ctypes.c_void_p(pointer))

    def do_parent(self, name, obj):
        parent = self.parent_of(name)
        return None if parent is None else self.objects[parent]

    def do_readDatagram(self, name, obj, size):
        value = obj.readDatagram(size)         # PySide2 hides the -1 of a failure and returns what was in memory
        return -1 if value[1].isNull() else (value[0], value[1], self.port(value[2]))

    def do_setProxy(self, name, obj, kind, host="", port=0, user="", password=""):
        obj.setProxy(QNetworkProxy(kind, host, port, user, password))

    def do_getChar(self, name, obj):
        data = obj.read(1)                     # PySide2 cannot pass char*; getChar is read(1)
        return data if data.size() else None

    def do_connectSlot(self, name, obj, signal_name, label, kind=Qt.AutoConnection):
        slot = self.keep_slot(name, signal_name, label)
        QObject.connect(obj, QtCore.SIGNAL(signal_name + "(int)"), slot, QtCore.SLOT("called(int)"), kind)

    def do_disconnectSlot(self, name, obj, signal_name, label):
        slot = self.keep_slot(name, signal_name, label)
        QObject.disconnect(obj, QtCore.SIGNAL(signal_name + "(int)"), slot, QtCore.SLOT("called(int)"))

    def do_deleteSlot(self, name, obj, signal_name, label):
        slot = self.named.pop((name, signal_name, label))
        self.keep.append(slot)                               # its own function may be running
        delete(shiboken2.getCppPointer(slot)[0])

    named = {}

    def keep_slot(self, name, signal_name, label):
        key = (name, signal_name, label)
        if key not in self.named:
            def slot(*args):
                self.log(name, "| %s.%s(%s)" % (signal_name, label, ", ".join(self.show(a) for a in args)))
                for entry in list(self.slots.get("slot " + label, ())):
                    if entry[1] != 0:
                        entry[1] -= 1
                        self.run_block(entry[0])
            self.named[key] = Slot(slot)
        return self.named[key]

    def do_connectTo(self, name, obj, signal_name, receiver, label, kind=Qt.AutoConnection):
        """To a slot that lives in the receiver's thread and dies with it."""
        to = next(known for known, thing in self.objects.items() if thing is receiver)

        def slot(*args):
            self.log(to, "| %s(%s)" % (label, ", ".join(self.show(a) for a in args)))
            for entry in list(self.slots.get("slot " + label, ())):
                if entry[1] != 0:
                    entry[1] -= 1
                    self.run_block(entry[0])
        made = Slot(slot)
        self.keep.append(made)
        made.moveToThread(receiver.thread())
        self.do_setParent(label, made, receiver)
        shape = "()" if isinstance(obj, QThread) else "(int)"
        function = "plain()" if isinstance(obj, QThread) else "called(int)"
        QObject.connect(obj, QtCore.SIGNAL(signal_name + shape), made, QtCore.SLOT(function), kind)
        self.links.setdefault((name, signal_name, label), []).append((obj, made, signal_name + shape, function))

    def do_disconnectFrom(self, name, obj, signal_name, label):
        for sender, made, what, function in self.links.pop((name, signal_name, label)):
            QObject.disconnect(sender, QtCore.SIGNAL(what), made, QtCore.SLOT(function))

    links = {}

    def do_emit(self, name, obj, signal_name, *args):
        getattr(obj, signal_name).emit(*args)

    def do_useCertificate(self, name, obj, stem):
        """Local certificate chain and key from certs/STEM.crt and certs/STEM.key."""
        obj.setLocalCertificateChain(QSslCertificate.fromPath(os.path.join(HERE, "certs", stem + ".crt")))
        with open(os.path.join(HERE, "certs", stem + ".key"), "rb") as handle:
            data = handle.read()
        key = QSslKey(QByteArray(data), QSsl.Ec if b"BEGIN EC" in data else QSsl.Rsa)
        obj.setPrivateKey(key)

    def do_trust(self, name, obj, stem):
        """Trust exactly the certificates of certs/STEM.crt."""
        config = obj.sslConfiguration()
        config.setCaCertificates(QSslCertificate.fromPath(os.path.join(HERE, "certs", stem + ".crt")))
        obj.setSslConfiguration(config)

    def do_trustNothing(self, name, obj):
        config = obj.sslConfiguration()
        config.setCaCertificates([])
        obj.setSslConfiguration(config)

    def do_peerCommonName(self, name, obj):
        names = obj.peerCertificate().subjectInfo(QSslCertificate.CommonName)
        return names[0] if names else ""

    def do_sslErrorNames(self, name, obj):
        return list(obj.sslErrors()) if not hasattr(obj, "sslHandshakeErrors") else list(obj.sslHandshakeErrors())

    def do_ignoreSslErrors(self, name, obj):
        obj.ignoreSslErrors()

    # ---- statements

    def condition(self, text):
        parser = Parser(text)
        node = parser.expr()
        if parser.at == len(parser.toks):
            if node[0] == "call" and node[3] is None:
                key = node[1] + "." + node[2]
                before = self.counts.get(key, 0)
                return lambda: self.counts.get(key, 0) > before
            return lambda: bool(self.evaluate(node))
        op, wanted = parser.take()[1], plain(self.argument("", 0, parser.expr()))
        compare = {"==": lambda a, b: a == b, "!=": lambda a, b: a != b, ">": lambda a, b: a > b,
                   "<": lambda a, b: a < b, ">=": lambda a, b: a >= b, "<=": lambda a, b: a <= b}[op]

        def holds():
            value = plain(self.evaluate(node))
            return op == "!=" if value is None else compare(value, wanted)
        return holds

    def spin(self, done, milliseconds):
        """Runs a nested event loop until done() or the time is over; True when done() came."""
        loop, deadline = QEventLoop(), time.monotonic() + milliseconds / 1000
        state = {"ok": False}

        def look():
            if done():
                state["ok"] = True
                loop.quit()
            elif time.monotonic() >= deadline:
                loop.quit()
        ticker = QTimer()
        ticker.setTimerType(Qt.PreciseTimer)
        ticker.timeout.connect(look)
        ticker.start(2)
        loop.exec_()
        ticker.stop()
        return state["ok"]

    def run_block(self, block):
        for number, text, inner in block:
            try:
                self.statement(text, inner)
            except Exception as error:                       # the scenario itself is wrong
                give_up("%s:%d: " % (self.path, number), error)

    def statement(self, text, inner):
        word, _, rest = text.partition(" ")
        if word == "global":
            self.grouped = False
        elif word == "run":
            how, _, rest = rest.partition(" ")
            if how == "for":
                self.spin(lambda: False, int(rest))
                return
            within = re.search(r" within (\d+)$", rest)
            limit = int(within.group(1)) if within else DEFAULT_WITHIN
            cond = rest[:within.start()] if within else rest
            if not self.spin(self.condition(cond), limit):
                self.log("run", "! timed out: until " + cond)
                if "run" not in self.order:
                    self.order.append("run")
            self.settle()
        elif word == "on":
            match = re.match(r"(\w+ ?\.? ?\w+)(?: times (\d+))?:?$", rest)
            key = match.group(1)
            self.slots.setdefault(key, []).append([inner, int(match.group(2)) if match.group(2) else -1])
        elif word == "meanwhile":                            # a peer's call, on another thread, after a delay
            delay, _, call = rest.partition(" ")
            _, name, method, nodes = Parser(call).expr()
            peer, due = self.objects[name], time.monotonic() + int(delay) / 1000
            args = [self.argument(method, i, n) for i, n in enumerate(nodes)]
            before = [t for p, d, t in self.threads if p is peer and d <= due]

            def later():
                time.sleep(max(0, due - time.monotonic()))
                for thread in before:                        # a peer's calls keep their order
                    thread.join()
                getattr(peer, method)(*args)
            thread = threading.Thread(target=later, daemon=True)
            self.threads.append((peer, due, thread))
            thread.start()
        elif word == "del":                                  # what C++ makes of `delete`
            obj = self.living(rest)
            if not isinstance(obj, QObject):
                raise TypeError(rest + " cannot be destroyed")
            if any(running == rest and method != "emit" for running, method in self.calling):
                raise ReferenceError("a call on %s is running" % rest)
            self.log(rest, "> del")
            self.dying.add(rest)
            delete(self.pointers[rest])
            self.log(rest, "< -")
        elif word == "in":                                   # a block in another thread, queued; or waited for
            name, _, how = rest.partition(" ")
            thread, done = self.living(name), threading.Event()

            def errand():
                self.run_block(inner)
                done.set()
            thread.post(errand)
            if how == "wait" and not done.wait(5):
                raise TimeoutError("the thread does not run the block")
        elif word == "sleep":                                # no event loop runs meanwhile
            time.sleep(int(rest) / 1000)
        elif word == "set":                                  # on an authenticator given to a slot
            target, method, value = rest.split(" ", 2)
            getattr(self.args[int(target[3:]) - 1], method)(unescape(value).decode())
        elif re.match(r"\w+\.\w+\(", text):
            node = Parser(text).expr()
            name, method = node[1], node[2]
            quiet = isinstance(self.objects[name], (Peer, UdpPeer))
            shown = text[len(name) + 1:]
            if not quiet:
                self.log(name, "> " + shown)
            value = self.evaluate(node, show=True)
            if name not in self.order:
                self.order.append(name)
            if not quiet or value is not None:
                self.log(name, "< " + self.show(value))
        else:
            name, _, rest = rest.partition(" ")
            self.create(word, name, rest)

    def settle(self):
        """Lets what is already under way finish, so that a trace never ends in the middle of a burst."""
        self.spin(lambda: False, 30)

    def run(self, block):
        self.run_block(block)
        self.settle()
        lines = list(self.lines)
        if self.grouped:
            threads = [None] + list(self.thread_names.values())
            lines = [line for name in dict.fromkeys(self.order) for thread in threads
                     for line in lines if line[:2] == (name, thread)]
        return "".join("%s%s %s\n" % (name, "@" + thread if thread else "", text) for name, thread, text in lines)


def plain(value):
    """A value that can be compared: text and bytes as bytes, enums and flags as numbers."""
    if isinstance(value, str):
        return value.encode()
    if isinstance(value, QByteArray):
        return bytes(value)
    return int(value) if hasattr(value, "__int__") else value


def word_at(address):
    return ctypes.c_void_p.from_address(address).value


WORD = ctypes.sizeof(ctypes.c_void_p)


def delete(pointer):
    """Calls the deleting destructor, the fifth entry of a QObject's virtual table.

    shiboken2.delete() crashes later on, where the object was the child of a parent that is destroyed after it.
    """
    ctypes.CFUNCTYPE(None, ctypes.c_void_p)(word_at(word_at(pointer) + 4 * WORD))(pointer)


def unlocked(obj, method, msecs=None):
    """A waitFor function, called so that other threads (meanwhile) run during it."""
    name = next(home.__name__ for home in LOCKED if isinstance(obj, home))
    server = method == "waitForNewConnection"
    function = getattr(QT_NETWORK, "_ZN%d%s%d%sE%s" % (len(name), name, len(method), method, "iPb" if server else "i"))
    function.restype = ctypes.c_bool
    msecs = (0 if server else 30000) if msecs is None else msecs
    return function(ctypes.c_void_p(shiboken2.getCppPointer(obj)[0]), ctypes.c_int(msecs), None)


def give_up(where, error):
    sys.stderr.write("%s%s: %s\n" % (where, type(error).__name__, error))
    sys.stderr.flush()
    leave(3)


def leave(status):
    shutil.rmtree(os.environ["TMPDIR"], ignore_errors=True)
    os._exit(status)                                         # no destructor may add to what was seen


def proxy_process(kind):
    """The runner, as a proxy, and its port."""
    import subprocess
    runner = os.environ.get("CONFORMANCE", os.path.join(HERE, "../../target/debug/conformance"))
    process = subprocess.Popen([runner, "--serve-proxy", kind], stdin=subprocess.PIPE, stdout=subprocess.PIPE)
    return process, int(process.stdout.readline())


def main():
    args = sys.argv[1:]
    by = None
    if args[:1] == ["--proxy"]:
        by = args[1]
        del args[:2]
    mode = args.pop(0) if args and args[0].startswith("--") else "--print"
    if not args or mode not in ("--print", "--bless", "--check") or by not in (None, "socks5", "http"):
        sys.exit(__doc__)
    end = ".trace" if by is None else ".%s.trace" % by
    if len(args) > 1 or mode == "--check":                   # a process each: no state passes between scenarios
        import subprocess
        worst = 0
        me = [sys.executable, __file__] + ([] if by is None else ["--proxy", by])
        for path in args:
            if mode == "--check":
                base = os.path.splitext(path)[0]
                own = base + end
                with open(own if os.path.exists(own) else base + ".trace", "rb") as handle:
                    want = handle.read()
                try:
                    got = subprocess.run(me + [path], stdout=subprocess.PIPE, timeout=120)
                    same = got.stdout == want and got.returncode == 0
                except subprocess.TimeoutExpired:
                    same = False
                if not same:
                    print("differs: " + path)
                    worst = 1
            else:
                code = subprocess.run(me + [mode, path], timeout=120).returncode
                worst = worst or code
        sys.exit(worst)
    signal.signal(signal.SIGPIPE, signal.SIG_IGN)
    sys.excepthook = lambda kind, error, trace: give_up(args[0] + ": ", error)
    threading.excepthook = lambda hook: give_up(args[0] + ": meanwhile: ", hook.exc_value)
    os.environ["TMPDIR"] = tempfile.mkdtemp()                # local servers live here: two runs do not meet
    app = QCoreApplication(sys.argv[:1])                     # noqa: F841  kept alive
    world = World(args[0])
    if by is not None:
        process, port = proxy_process(by)
        kinds = {"socks5": QNetworkProxy.Socks5Proxy, "http": QNetworkProxy.HttpProxy}
        world.proxy = QNetworkProxy(kinds[by], "127.0.0.1", port)
    trace = world.run(parse(args[0]))
    if by is not None:
        process.kill()
    if mode == "--bless":
        base = os.path.splitext(args[0])[0]
        if by is not None and open(base + ".trace", encoding="utf-8").read() == trace:
            if os.path.exists(base + end):
                os.remove(base + end)
        else:
            with open(base + end, "w", encoding="utf-8") as handle:
                handle.write(trace)
    else:
        sys.stdout.write(trace)
    sys.stdout.flush()
    leave(0)


if __name__ == "__main__":
    main()
