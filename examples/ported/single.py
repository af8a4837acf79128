#!/usr/bin/python3
"""An editor of which one instance runs: a second start sends its arguments to the first."""

import sys
import time

from PySide2.QtCore import QCoreApplication, QDataStream, QObject, QTimer, Signal, Slot
from PySide2.QtNetwork import QLocalServer, QLocalSocket

USAGE = """\
usage: single.py NAME FILE...    opens files
       single.py NAME --close FILE...
       single.py NAME --list     prints the files that are open
       single.py NAME --quit     ends the first instance

NAME tells one editor from another."""
PATIENCE = 5000
PAUSE = 0.1
ATTEMPTS = 3
MAX_REQUEST = 64 * 1024


class Instance(QLocalServer):
    """Finds out whether this process is the first instance, and connects the others to it."""

    requested = Signal(list, QLocalSocket)

    def __init__(self, name, parent=None):
        super().__init__(parent)
        self.name = name
        self.newConnection.connect(self.on_new_connection)

    def claim(self, arguments):
        """Becomes the first instance, or returns the first one's answer to the arguments."""
        for attempt in range(ATTEMPTS):
            answer = self.ask(arguments)
            if answer is not None or self.listen(self.name):
                return answer
            if attempt == 0:
                time.sleep(PAUSE)  # The first instance may be about to listen.
            else:
                QLocalServer.removeServer(self.name)  # It has crashed.
        sys.exit(f"single: {self.errorString()}")

    def ask(self, arguments):
        socket = QLocalSocket()
        socket.connectToServer(self.name)
        if not socket.waitForConnected(PATIENCE):
            return None
        stream = QDataStream(socket)
        stream.writeQStringList(arguments)
        while True:
            stream.startTransaction()
            answer = stream.readQString()
            if stream.commitTransaction():
                return answer
            if not socket.waitForReadyRead(PATIENCE):
                sys.exit(f"single: {socket.errorString()}")

    @Slot()
    def on_new_connection(self):
        while self.hasPendingConnections():
            self.serve(self.nextPendingConnection())

    def serve(self, socket):
        socket.readyRead.connect(lambda: self.on_ready_read(socket))
        socket.disconnected.connect(socket.deleteLater)
        timer = QTimer(socket)
        timer.setSingleShot(True)
        timer.timeout.connect(lambda: socket.abort())
        timer.start(PATIENCE)

    def on_ready_read(self, socket):
        stream = QDataStream(socket)
        stream.startTransaction()
        arguments = stream.readQStringList()
        if stream.commitTransaction():
            self.requested.emit(arguments, socket)
        elif socket.bytesAvailable() > MAX_REQUEST:
            socket.abort()


class Editor(QObject):
    """The program: it knows its files and answers requests."""

    def __init__(self, instance, arguments):
        super().__init__()
        self.files = []
        instance.requested.connect(self.on_requested)
        print(self.execute(arguments))

    @Slot(list, QLocalSocket)
    def on_requested(self, arguments, socket):
        answer = self.execute(arguments)
        print(answer)
        stream = QDataStream(socket)
        stream.writeQString(answer)
        if arguments == ["--quit"]:
            socket.disconnected.connect(QCoreApplication.quit)
        socket.disconnectFromServer()

    def execute(self, arguments):
        match arguments:
            case ["--list"]:
                return ", ".join(self.files) if self.files else "no file is open"
            case ["--quit"]:
                return "the editor ends"
            case ["--close", *files]:
                closed = [file for file in files if file in self.files]
                self.files = [file for file in self.files if file not in closed]
                return f"closed {len(closed)}, open {len(self.files)}"
            case files:
                opened = [file for file in files if file not in self.files]
                self.files += opened
                return f"opened {len(opened)}, open {len(self.files)}"


def main():
    match sys.argv[1:]:
        case [name, *arguments] if arguments:
            sys.stdout.reconfigure(line_buffering=True)
            app = QCoreApplication(sys.argv)
            instance = Instance(name)
            answer = instance.claim(arguments)
            if answer is not None:
                print(answer)
            else:
                editor = Editor(instance, arguments)
                sys.exit(app.exec_())
        case _:
            sys.exit(USAGE)


if __name__ == "__main__":
    main()
