#!/usr/bin/python3
"""A fortune client on real Qt: fortuneclient.py PORT [--pyside2]. Prints the fortune, or an error."""
import sys

from PySide2.QtCore import QCoreApplication, QDataStream, QTimer
from PySide2.QtNetwork import QTcpSocket


def main():
    app = QCoreApplication(sys.argv)
    socket = QTcpSocket()

    def read():
        stream = QDataStream(socket)
        stream.startTransaction()
        if "--pyside2" in sys.argv:
            stream.setVersion(QDataStream.Qt_4_0)
            size = stream.readUInt16()
            fortune = stream.readQString()
            if stream.status() == QDataStream.Ok and size != 4 + len(fortune.encode("utf-16-be")):
                sys.exit("the size is wrong: %d" % size)
        else:
            stream.setVersion(QDataStream.Qt_5_10)
            fortune = stream.readQString()
        if stream.commitTransaction():
            print(fortune, flush=True)
            socket.abort()
            app.quit()

    def fail(_error):
        print(socket.errorString(), file=sys.stderr)
        app.exit(1)

    socket.readyRead.connect(read)
    socket.errorOccurred.connect(fail)
    QTimer.singleShot(10000, lambda: app.exit(2))
    socket.connectToHost("127.0.0.1", int(sys.argv[1]))
    sys.exit(app.exec_())


main()
