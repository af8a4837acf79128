#!/usr/bin/python3
"""A local fortune server on real Qt: localfortuneserver.py NAME. Prints where it listens, then serves."""
import sys

from PySide2.QtCore import QByteArray, QCoreApplication, QDataStream, QIODevice
from PySide2.QtNetwork import QLocalServer

FORTUNE = "Grüße from Qt \U0001f600"


def block():
    data = QByteArray()
    out = QDataStream(data, QIODevice.WriteOnly)
    out.setVersion(QDataStream.Qt_5_10)
    out.writeUInt32(4 + len(FORTUNE.encode("utf-16-be")))
    out.writeQString(FORTUNE)
    return data


def main():
    app = QCoreApplication(sys.argv)
    server = QLocalServer()

    def serve():
        client = server.nextPendingConnection()
        client.disconnected.connect(client.deleteLater)
        client.write(block())
        client.flush()
        client.disconnectFromServer()

    server.newConnection.connect(serve)
    if not server.listen(sys.argv[1]):
        sys.exit(server.errorString())
    print("listening on " + server.fullServerName(), flush=True)
    sys.exit(app.exec_())


main()
