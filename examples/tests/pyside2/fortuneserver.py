#!/usr/bin/python3
"""A fortune server on real Qt: prints its port, then serves. --pyside2 speaks as PySide2's example does."""
import sys

from PySide2.QtCore import QByteArray, QCoreApplication, QDataStream, QIODevice
from PySide2.QtNetwork import QHostAddress, QTcpServer

FORTUNE = "Grüße from Qt \U0001f600"


def block(pyside2):
    data = QByteArray()
    out = QDataStream(data, QIODevice.WriteOnly)
    if pyside2:
        out.setVersion(QDataStream.Qt_4_0)
        out.writeUInt16(0)
        out.writeString(FORTUNE)
        out.device().seek(0)
        out.writeUInt16(data.size() - 2)
    else:
        out.setVersion(QDataStream.Qt_5_10)
        out.writeQString(FORTUNE)
    return data


def main():
    app = QCoreApplication(sys.argv)
    server = QTcpServer()

    def serve():
        client = server.nextPendingConnection()
        client.disconnected.connect(client.deleteLater)
        client.write(block("--pyside2" in sys.argv))
        client.disconnectFromHost()

    server.newConnection.connect(serve)
    if not server.listen(QHostAddress(QHostAddress.LocalHost), 0):
        sys.exit(server.errorString())
    print("listening on 127.0.0.1:%d" % server.serverPort(), flush=True)
    sys.exit(app.exec_())


main()
