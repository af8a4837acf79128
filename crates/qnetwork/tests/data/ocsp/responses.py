#!/usr/bin/python3
"""Makes OCSP responses, good and bad, and records what Qt says of each.

    /usr/bin/python3 responses.py > responses.tsv

It needs PySide2 5.15 and python3-cryptography. Every run makes the same responses. A Qt server sends the response together with its
certificates to a Qt client. Lines, fields parted by tabs:

    certificate NAME BASE64
    case NAME CHAIN RESPONSE QT
        CHAIN: names of the certificates that the server sends, parted by commas. RESPONSE: base64, or `-` if there is none.
        QT: the numbers of the errors that the client reports, parted by commas, `-` if there are none; `: TEXT` if the handshake
        fails with this text.
"""

import base64
import datetime
import hashlib
import os
import sys

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import padding
from PySide2.QtCore import QByteArray, QCoreApplication, QElapsedTimer
from PySide2.QtNetwork import QHostAddress, QSsl, QSslCertificate, QSslConfiguration, QSslKey, QSslSocket, QTcpServer

FOLDER = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.join(FOLDER, "..", "verify"))
from der import NULL, oid, sequence, tlv  # noqa: E402

CERTS = os.path.join(FOLDER, "..", "..", "..", "..", "..", "tests", "conformance", "certs")


def read(name):
    with open(os.path.join(CERTS, name), "rb") as file:
        return file.read()


KEYS = {name: serialization.load_pem_private_key(read(f"{name}.key"), None)
        for name in ["ca", "good", "client", "wronghost", "expired", "selfsigned", "chain"]}
CERTIFICATES = {name: x509.load_pem_x509_certificate(read(f"{name}.crt")) for name in ["ca", "good", "selfsigned"]}


def subject(name):
    return x509.Name([x509.NameAttribute(x509.NameOID.ORGANIZATION_NAME, "Conformance"),
                      x509.NameAttribute(x509.NameOID.COMMON_NAME, name)])


def issue(name, key, issuer, issuer_key, serial, *extensions, until=2120):
    issuer_name = CERTIFICATES[issuer].subject if issuer in CERTIFICATES else subject(name)
    builder = (x509.CertificateBuilder().subject_name(subject(name)).issuer_name(issuer_name)
               .public_key(KEYS[key].public_key()).serial_number(serial)
               .not_valid_before(datetime.datetime(2020, 1, 1)).not_valid_after(datetime.datetime(until, 1, 1)))
    for extension in extensions:
        builder = builder.add_extension(extension, critical=False)
    CERTIFICATES[name] = builder.sign(KEYS[issuer_key], hashes.SHA256())


CA = x509.BasicConstraints(True, None)
OCSP = x509.ExtendedKeyUsage([x509.ExtendedKeyUsageOID.OCSP_SIGNING])
LOCALHOST = x509.SubjectAlternativeName([x509.DNSName("localhost")])
issue("delegate", "client", "ca", "ca", 101, OCSP)
issue("no-delegate", "client", "ca", "ca", 102)
issue("old-delegate", "client", "ca", "ca", 103, OCSP, until=2021)
issue("stranger", "wronghost", "stranger", "wronghost", 104, CA)
issue("strange-delegate", "client", "stranger", "wronghost", 105, OCSP)
issue("middle", "chain", "ca", "ca", 106, CA)
issue("below", "good", "middle", "chain", 107, LOCALHOST)
issue("delegate-below", "client", "middle", "chain", 108, OCSP)
issue("lower", "expired", "middle", "chain", 109, CA)
issue("delegate-lower", "client", "lower", "expired", 110, OCSP)


def der_of(name):
    return CERTIFICATES[name].public_bytes(serialization.Encoding.DER)


def key_bits(name):
    public = CERTIFICATES[name].public_key().public_bytes(serialization.Encoding.DER, serialization.PublicFormat.PKCS1)
    return public


def integer(number):
    return tlv(0x02, number.to_bytes(number.bit_length() // 8 + 1, "big"))


def time(year):
    return tlv(0x18, f"{year}0101000000Z".encode())


HASHES = {"sha1": "1.3.14.3.2.26", "sha256": "2.16.840.1.101.3.4.2.1", "sha384": "2.16.840.1.101.3.4.2.2",
          "sha512": "2.16.840.1.101.3.4.2.3", "md5": "1.2.840.113549.2.5"}
GOOD, UNKNOWN = tlv(0x80), tlv(0x82)


def revoked(reason=None, year=2022):
    said = b"" if reason is None else tlv(0xA0, tlv(0x0A, bytes([reason])))
    return tlv(0xA1, time(year), said)


def single(leaf="good", issuer="ca", status=GOOD, this=2022, next_=2119, by="sha1", serial=None):
    def digest(data):
        return tlv(0x04, hashlib.new(by, data).digest())

    name = CERTIFICATES[issuer].subject.public_bytes()
    number = CERTIFICATES[leaf].serial_number if serial is None else serial
    certificate_id = sequence(sequence(oid(HASHES[by]), NULL), digest(name), digest(key_bits(issuer)), integer(number))
    return sequence(certificate_id, status, time(this), tlv(0xA0, time(next_)) if next_ else b"")


def response(signer="ca", key=None, certificates=(), singles=None, by_key=True, damage=False, extra=b"", kind="1.3.6.1.5.5.7.48.1.1",
             signer_id=None):
    if signer_id is None:
        if by_key:
            signer_id = tlv(0xA2, tlv(0x04, hashlib.sha1(key_bits(signer)).digest()))
        else:
            signer_id = tlv(0xA1, CERTIFICATES[signer].subject.public_bytes())
    singles = [single()] if singles is None else singles
    data = sequence(signer_id, time(2022), sequence(*singles))
    key = key or {"ca": "ca", "stranger": "wronghost", "middle": "chain", "lower": "expired", "selfsigned": "selfsigned",
                  "good": "good", "below": "good"}.get(signer, "client")
    signature = KEYS[key].sign(data, padding.PKCS1v15(), hashes.SHA256())
    if damage:
        signature = signature[:-1] + bytes([signature[-1] ^ 1])
    sent = tlv(0xA0, sequence(*map(der_of, certificates))) if certificates else b""
    basic = sequence(data, sequence(oid("1.2.840.113549.1.1.11"), NULL), tlv(0x03, b"\0" + signature), sent)
    return sequence(tlv(0x0A, b"\0"), tlv(0xA0, sequence(oid(kind), tlv(0x04, basic)))) + extra


def status(number):
    return sequence(tlv(0x0A, bytes([number])))


L, LR = ["good"], ["good", "ca"]
B = ["below", "middle"]
CASES = [
    ("good by the root, which the response has", L, response(certificates=["ca"])),
    ("good by the root, which the server sends", LR, response()),
    ("good by the root, by name", LR, response(by_key=False)),
    ("the responder is nowhere", L, response()),
    ("good by a delegate", L, response("delegate", certificates=["delegate"])),
    ("good by a delegate, by name", L, response("delegate", certificates=["delegate"], by_key=False)),
    ("good by a delegate, and the server sends the root", LR, response("delegate", certificates=["delegate"])),
    ("a delegate that may not", LR, response("no-delegate", certificates=["no-delegate"])),
    ("a delegate that has expired", LR, response("old-delegate", certificates=["old-delegate"])),
    ("a responder that nobody knows", LR, response("stranger", certificates=["stranger"])),
    ("a delegate of a responder that nobody knows", LR, response("strange-delegate", certificates=["strange-delegate", "stranger"])),
    ("the certificate itself", LR, response("good")),
    ("a delegate among several certificates", LR, response("delegate", certificates=["stranger", "ca", "delegate"])),
    ("the name of the root, the key of another", LR, response(key="wronghost", by_key=False)),
    ("a damaged signature", LR, response(damage=True)),
    ("a damaged signature of a delegate", LR, response("delegate", certificates=["delegate"], damage=True)),
    ("a key identifier of nobody", LR, response(signer_id=tlv(0xA2, tlv(0x04, bytes(20))))),
    ("a key identifier of a wrong length", LR, response(signer_id=tlv(0xA2, tlv(0x04, bytes(19))))),
    ("below, by the middle", B, response("middle", singles=[single("below", "middle")])),
    ("below, by the middle, which the response has", B,
     response("middle", certificates=["middle"], singles=[single("below", "middle")])),
    ("below, by a delegate of the middle", B,
     response("delegate-below", certificates=["delegate-below"], singles=[single("below", "middle")])),
    ("below, by a delegate of the root", B, response("delegate", certificates=["delegate"], singles=[single("below", "middle")])),
    ("below, by the root", B + ["ca"], response("ca", singles=[single("below", "middle")])),
    ("below, by a delegate two levels down", B,
     response("delegate-lower", certificates=["delegate-lower", "lower"], singles=[single("below", "middle")])),
    ("below, about the root's number", B + ["ca"], response("middle", singles=[single("below", "ca")])),
    ("revoked", LR, response(singles=[single(status=revoked())])),
    *[(f"revoked for reason {reason}", LR, response(singles=[single(status=revoked(reason))])) for reason in range(12)],
    ("revoked in the future", LR, response(singles=[single(status=revoked(1, 2118))])),
    ("status unknown", LR, response(singles=[single(status=UNKNOWN)])),
    ("expired", LR, response(singles=[single(this=2021, next_=2022)])),
    ("expired and revoked", LR, response(singles=[single(this=2021, next_=2022, status=revoked(1))])),
    ("from the future", LR, response(singles=[single(this=2118)])),
    ("the next before this", LR, response(singles=[single(this=2023, next_=2022)])),
    ("without a next", LR, response(singles=[single(next_=None)])),
    ("another number", LR, response(singles=[single(serial=4711)])),
    ("another number, by one that nobody knows, expired and revoked", LR,
     response("stranger", certificates=["stranger"], singles=[single(serial=4711, this=2021, next_=2022, status=revoked())])),
    ("another issuer", LR, response(singles=[single(issuer="stranger")])),
    *[(f"{by}", LR, response(singles=[single(by=by)])) for by in ["sha256", "sha384", "sha512"]],
    ("two answers", LR, response(singles=[single(), single()])),
    ("two answers, the second about another", LR, response(singles=[single(), single(serial=7)])),
    ("no answer", LR, response(singles=[])),
    *[(f"the responder's status {number}", LR, status(number)) for number in [1, 2, 3, 5, 6]],
    ("success without a response", LR, status(0)),
    ("another kind of response", LR, response(kind="1.3.6.1.5.5.7.48.1.2")),
    ("garbage", LR, b"garbage"),
    ("an empty sequence", LR, sequence()),
    ("cut off", LR, response()[:-1]),
    ("bytes behind it", LR, response(extra=b"\0")),
    ("no response", LR, b""),
    ("self-signed", ["selfsigned"], response("selfsigned", singles=[single("selfsigned", "selfsigned")])),
    ("self-signed, another number", ["selfsigned"], response("selfsigned", singles=[single("selfsigned", "selfsigned", serial=3)])),
]

application = QCoreApplication([])


def qt(certificate):
    return QSslCertificate(QByteArray(der_of(certificate)), QSsl.Der)


class Server(QTcpServer):
    def incomingConnection(self, descriptor):
        self.socket = QSslSocket(self)
        self.socket.setSocketDescriptor(descriptor)
        self.socket.setSslConfiguration(self.configuration)
        self.socket.startServerEncryption()


def ask_qt(chain, der):
    server = Server()
    key = "selfsigned" if chain[0] == "selfsigned" else "good"
    server.configuration = QSslConfiguration.defaultConfiguration()
    server.configuration.setLocalCertificateChain([qt(name) for name in chain])
    server.configuration.setPrivateKey(QSslKey(QByteArray(read(f"{key}.key")), QSsl.Rsa, QSsl.Pem))
    if der:
        server.configuration.setBackendConfigurationOption(QByteArray(b"Qt-OCSP-response"), QByteArray(der))
    server.listen(QHostAddress.LocalHost, 0)
    client = QSslSocket()
    configuration = QSslConfiguration.defaultConfiguration()
    configuration.setCaCertificates([qt("ca"), qt("selfsigned")])
    configuration.setOcspStaplingEnabled(True)
    client.setSslConfiguration(configuration)
    client.setPeerVerifyName("localhost")
    one_by_one, errors, done = [], [], []
    client.peerVerifyError.connect(lambda error: one_by_one.append(int(error.error())))

    def note(all_errors):
        errors.extend(int(error.error()) for error in all_errors)
        assert all(error.certificate().isNull() == (int(error.error()) in range(26, 34)) for error in all_errors), errors
        client.ignoreSslErrors()

    client.sslErrors.connect(note)
    client.errorOccurred.connect(lambda error: done.append(f": {client.errorString()}"))
    client.encrypted.connect(lambda: done.append(",".join(map(str, errors)) or "-"))
    client.connectToHostEncrypted("127.0.0.1", server.serverPort())
    clock = QElapsedTimer()
    clock.start()
    while not done and clock.elapsed() < 5000:
        application.processEvents()
    assert one_by_one == errors, (one_by_one, errors)
    return done[0]


def base64_of(data):
    return base64.b64encode(data).decode()


for name in CERTIFICATES:
    print("certificate", name, base64_of(der_of(name)), sep="\t")
for name, chain, der in CASES:
    print("case", name, ",".join(chain), base64_of(der) if der else "-", ask_qt(chain, der), sep="\t")
