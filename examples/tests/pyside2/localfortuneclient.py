#!/usr/bin/python3
"""A local fortune client on real Qt: localfortuneclient.py NAME. Prints the fortune, or an error."""
import sys

from PySide2.QtCore import QCoreApplication, QDataStream, QTimer
from PySide2.QtNetwork import QLocalSocket


def main():
    app = QCoreApplication(sys.argv)
    socket = QLocalSocket()
    stream = QDataStream(socket)
    stream.setVersion(QDataStream.Qt_5_10)
    size = [0]

    def read():
        if size[0] == 0:
            if socket.bytesAvailable() < 4:
                return
            size[0] = stream.readUInt32()
        if socket.bytesAvailable() < size[0] or stream.atEnd():
            return
        fortune = stream.readQString()
        if size[0] != 4 + len(fortune.encode("utf-16-be")):
            sys.exit("the size is wrong: %d" % size[0])
        print(fortune, flush=True)
        app.quit()

    def fail(_error):
        print(socket.errorString(), file=sys.stderr)
        app.exit(1)

    socket.readyRead.connect(read)
    socket.errorOccurred.connect(fail)
    QTimer.singleShot(10000, lambda: app.exit(2))
    QTimer.singleShot(0, lambda: socket.connectToServer(sys.argv[1]))
    sys.exit(app.exec_())


main()
