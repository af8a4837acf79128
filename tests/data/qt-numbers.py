#!/usr/bin/python3
"""Records the numbers of Qt's enums, for `tests/tests/numbers.rs` to compare with.

    /usr/bin/python3 qt-numbers.py > qt-numbers.tsv

It needs PySide2 5.15. A line is one enumerator, its fields parted by tabs:

    TYPE    the type that stands for the enum in qcore or qnetwork
    ENUM    Qt's name of the enum
    MEMBER  the enumerator
    NUMBER  its number
"""

import ctypes

from PySide2 import QtCore, QtNetwork

# The type here, and Qt's enum. Of a flag it is the enum of the single flags.
ENUMS = """
ByteOrder QDataStream::ByteOrder
ClockType QElapsedTimer::ClockType
ConnectionType Qt::ConnectionType
EventPriority Qt::EventPriority
EventType QEvent::Type
FieldAlignment QTextStream::FieldAlignment
FindChildOptions Qt::FindChildOption
FloatingPointPrecision QDataStream::FloatingPointPrecision
MessageType QtMsgType
NotifierType QSocketNotifier::Type
NumberFlags QTextStream::NumberFlag
OpenMode QIODevice::OpenModeFlag
ProcessEventsFlags QEventLoop::ProcessEventsFlag
RealNumberNotation QTextStream::RealNumberNotation
StreamStatus QDataStream::Status
StreamVersion QDataStream::Version
TextStreamStatus QTextStream::Status
ThreadPriority QThread::Priority
TimerType Qt::TimerType
AlternativeNameEntryType QSsl::AlternativeNameEntryType
BindMode QAbstractSocket::BindFlag
ConversionMode QHostAddress::ConversionModeFlag
DnsEligibilityStatus QNetworkAddressEntry::DnsEligibilityStatus
DnsLookupErrorKind QDnsLookup::Error
DnsLookupType QDnsLookup::Type
EncodingFormat QSsl::EncodingFormat
HashAlgorithm QCryptographicHash::Algorithm
HostInfoErrorKind QHostInfo::HostInfoError
InterfaceFlags QNetworkInterface::InterfaceFlag
InterfaceType QNetworkInterface::InterfaceType
KeyAlgorithm QSsl::KeyAlgorithm
KeyType QSsl::KeyType
KnownHeader QNetworkRequest::KnownHeaders
LocalServerOptions QLocalServer::SocketOption
LocalSocketErrorKind QLocalSocket::LocalSocketError
LocalSocketState QLocalSocket::LocalSocketState
NetworkLayerProtocol QAbstractSocket::NetworkLayerProtocol
NextProtocolNegotiationStatus QSslConfiguration::NextProtocolNegotiationStatus
PatternSyntax QSslCertificate::PatternSyntax
PauseModes QAbstractSocket::PauseMode
PeerVerifyMode QSslSocket::PeerVerifyMode
ProxyCapabilities QNetworkProxy::Capability
ProxyQueryType QNetworkProxyQuery::QueryType
ProxyType QNetworkProxy::ProxyType
SocketErrorKind QAbstractSocket::SocketError
SocketOption QAbstractSocket::SocketOption
SocketState QAbstractSocket::SocketState
SocketType QAbstractSocket::SocketType
SslErrorKind QSslError::SslError
SslMode QSslSocket::SslMode
SslOptions QSsl::SslOption
SslProtocol QSsl::SslProtocol
SubjectInfo QSslCertificate::SubjectInfo
""".split("\n")[1:-1]


def members(enum):
    """The enumerators of one of Qt's enums by their order there."""
    found = QtNetwork if hasattr(QtNetwork, enum.split("::")[0]) else QtCore
    for part in enum.split("::"):
        found = getattr(found, part)
    for name, value in found.values.items():
        # Python's None is a word of its own.
        yield name.rstrip("_"), int(value)


def meta_types():
    """The types of QtCore that a QVariant can have, by the names that Qt gives them."""
    type_name = ctypes.CDLL("libQt5Core.so.5")._ZN9QMetaType8typeNameEi
    type_name.restype = ctypes.c_char_p
    first_of_gui = 64
    for number in range(1, first_of_gui):
        if name := type_name(number):
            yield name.decode(), number


def main():
    for line in ENUMS:
        kind, enum = line.split()
        for name, number in members(enum):
            print(kind, enum, name, number, sep="\t")
    for name, number in meta_types():
        print("VariantType", "QMetaType::Type", name, number, sep="\t")


main()
