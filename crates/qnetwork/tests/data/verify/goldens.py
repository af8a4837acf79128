#!/usr/bin/python3
"""Makes certificates and records what Qt finds wrong with them, for `goldens.rs` to compare with.

    /usr/bin/python3 goldens.py > goldens.tsv
    /usr/bin/python3 goldens.py 5000 7 > table.tsv     # and 5000 chains at random, seed 7

Such a table takes the place of goldens.tsv for one run of the tests; the rows that then differ should be those of chains with
a weak signature, or with two issuers of a name.

It needs PySide2 5.15 and python3-cryptography. Every run makes new keys. Lines, fields parted by tabs:

    certificate NAME BASE64
    case HOW CHAIN TRUSTED HOST DEPTH ERRORS
        HOW: `any` is QSslCertificate::verify, `server` the errors of a handshake of a QSslSocket with a server that
        shows the chain, `client` with a client that does. CHAIN and TRUSTED are names parted by commas. ERRORS are
        codes of QSslError, each with the index in CHAIN of its certificate, `-` if it is null.
"""

import base64
import datetime
import ipaddress
import os
import random
import socket
import ssl
import sys
import tempfile
import threading

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID, ObjectIdentifier
from PySide2.QtCore import QByteArray, QCoreApplication, QEventLoop, QTimer
from PySide2.QtNetwork import (QHostAddress, QSsl, QSslCertificate, QSslConfiguration, QSslError, QSslKey, QSslSocket,
                               QTcpServer)

SERVER, CLIENT = ExtendedKeyUsageOID.SERVER_AUTH, ExtendedKeyUsageOID.CLIENT_AUTH
NOW = (2020, 2120)
certificates, keys = {}, {}


def new_key(kind="P-256"):
    if kind.startswith("rsa"):
        return rsa.generate_private_key(65537, int(kind[3:]))
    if kind == "ed25519":
        return ed25519.Ed25519PrivateKey.generate()
    return ec.generate_private_key({"P-256": ec.SECP256R1, "P-384": ec.SECP384R1, "P-192": ec.SECP192R1}[kind]())


def name(text):
    return x509.Name([x509.NameAttribute(NameOID.ORGANIZATION_NAME, "Goldens"),
                      x509.NameAttribute(NameOID.COMMON_NAME, text)])


def make(label, cn=None, by=None, key=None, ca=None, path=None, valid=NOW, san=("localhost",), eku=None, usage=None,
         digest=None, constraints=None, extra=(), skid=True, akid=True, serial=None, issuer_name=None, no_bc=False,
         spoil=False, san_critical=False, akid_serial=False, subject=None):
    """Makes a certificate `label`, by its own key or that of `by`."""
    k = keys[key] if key in keys else new_key(key or "P-256")
    signer = keys[by] if by else k
    issuer = issuer_name or (certificates[by].subject if by else subject or name(cn or label))
    builder = (x509.CertificateBuilder().subject_name(subject or name(cn or label)).issuer_name(issuer)
               .public_key(k.public_key()).serial_number(serial or x509.random_serial_number())
               .not_valid_before(datetime.datetime(valid[0], 1, 1)).not_valid_after(datetime.datetime(valid[1], 1, 1)))
    if not no_bc:
        builder = builder.add_extension(x509.BasicConstraints(bool(ca), path), True)
    if skid:
        builder = builder.add_extension(x509.SubjectKeyIdentifier.from_public_key(k.public_key()), False)
    if by and akid:
        a = x509.AuthorityKeyIdentifier.from_issuer_public_key(signer.public_key())
        if akid_serial:
            a = x509.AuthorityKeyIdentifier(None, [x509.DirectoryName(certificates[by].issuer)], akid_serial)
        builder = builder.add_extension(a, False)
    if san and not ca:
        entries = [s if not isinstance(s, str) else
                   x509.IPAddress(ipaddress.ip_address(s)) if s[0].isdigit() else x509.DNSName(s) for s in san]
        builder = builder.add_extension(x509.SubjectAlternativeName(entries), san_critical)
    if eku:
        builder = builder.add_extension(x509.ExtendedKeyUsage(eku), False)
    if usage is not None:
        names = ["digital_signature", "content_commitment", "key_encipherment", "data_encipherment", "key_agreement",
                 "key_cert_sign", "crl_sign", "encipher_only", "decipher_only"]
        builder = builder.add_extension(x509.KeyUsage(**{n: n in usage for n in names}), True)
    if constraints:
        builder = builder.add_extension(constraints, True)
    for extension, critical in extra:
        builder = builder.add_extension(extension, critical)
    if isinstance(signer, ed25519.Ed25519PrivateKey):
        digest = None
    else:
        digest = digest or hashes.SHA256()
    certificate = builder.sign(signer, digest)
    if spoil:
        der = bytearray(certificate.public_bytes(serialization.Encoding.DER))
        der[-4] ^= 0x55
        certificate = x509.load_der_x509_certificate(bytes(der))
    certificates[label], keys[label] = certificate, k


def dns(text):
    return x509.DNSName(text)


OLD, LATER = (2000, 2010), (2100, 2110)
make("root", ca=True, usage=["key_cert_sign", "crl_sign"])
make("root-expired", cn="Old Root", ca=True, valid=OLD)
make("root-later", cn="Later Root", ca=True, valid=LATER)
make("root-other", cn="root", ca=True)
make("root-p384", cn="Root 384", key="P-384", ca=True)
make("root-rsa", cn="Root RSA", key="rsa2048", ca=True)
make("root-rsa1024", cn="Root RSA 1024", key="rsa1024", ca=True)
make("root-ed", cn="Root Ed", key="ed25519", ca=True)
make("root-path0", cn="Root Path 0", ca=True, path=0)
make("root-no-ca", cn="Root No CA", ca=False, san=())
make("root-no-sign", cn="Root No Sign", ca=True, usage=["digital_signature"])
make("root-no-bc", cn="Root No BC", no_bc=True, san=())
make("root-client", cn="Root Client", ca=True, eku=[CLIENT])
make("mid", by="root", ca=True)
make("mid-expired", cn="Old Mid", by="root", ca=True, valid=OLD)
make("mid-later", cn="Later Mid", by="root", ca=True, valid=LATER)
make("mid-no-ca", cn="Mid No CA", by="root", ca=False)
make("mid-no-bc", cn="Mid No BC", by="root", no_bc=True, san=())
make("mid-no-bc-sign", cn="Mid Sign", by="root", no_bc=True, san=(), usage=["key_cert_sign"])
make("mid-no-sign", cn="Mid No Sign", by="root", ca=True, usage=["digital_signature"])
make("mid-path0", cn="Mid Path 0", by="root", ca=True, path=0)
make("mid-client", cn="Mid Client", by="root", ca=True, eku=[CLIENT])
make("mid-spoilt", cn="Mid Spoilt", by="root", ca=True, spoil=True)
make("mid2", by="mid", ca=True)
make("mid3", by="mid2", ca=True)
make("mid-below-path0", by="mid-path0", ca=True)
make("mid-below-root-path0", by="root-path0", ca=True)
make("mid-self-issued", cn="Root Path 0", by="root-path0", ca=True)
make("mid-by-other", cn="mid", key="mid", by="root-other", ca=True)
make("mid-by-expired", cn="mid", key="mid", by="root-expired", ca=True)
make("mid-expired-twin", cn="mid", key="mid", by="root", ca=True, valid=OLD)
make("mid-mimic", cn="mid", by="root", ca=True)
make("mid-mimic-no-id", cn="mid", by="root", ca=True, skid=False)
make("root-mimic", cn="root", ca=True, usage=["key_cert_sign"])
make("root-mimic-no-id", cn="root", ca=True, skid=False)
make("mid-rsa1024", cn="Mid RSA 1024", key="rsa1024", by="root", ca=True)
make("mid-sha1", cn="Mid SHA1", by="root", ca=True, digest=hashes.SHA1())

make("leaf", by="root")
make("leaf-server", by="root", eku=[SERVER])
make("leaf-client", by="root", eku=[CLIENT])
make("leaf-both", by="root", eku=[CLIENT, SERVER])
make("leaf-any", by="root", eku=[ExtendedKeyUsageOID.ANY_EXTENDED_KEY_USAGE])
make("leaf-sgc", by="root", eku=[ObjectIdentifier("2.16.840.1.113730.4.1")])
make("leaf-sign", by="root", usage=["digital_signature"])
make("leaf-encipher", by="root", usage=["key_encipherment"])
make("leaf-agree", by="root", usage=["key_agreement"])
make("leaf-data", by="root", usage=["data_encipherment"])
make("leaf-ca", by="root", ca=True)
make("leaf-expired", by="root", valid=OLD)
make("leaf-later", by="root", valid=LATER)
make("leaf-backwards", by="root", valid=(2020, 2021))
make("leaf-spoilt", by="root", spoil=True)
make("leaf-spoilt-expired", by="root", spoil=True, valid=OLD)
make("leaf-other", by="root", san=("other.example",))
make("leaf-other-expired", by="root", san=("other.example",), valid=OLD)
make("leaf-critical", by="root", extra=[(x509.UnrecognizedExtension(ObjectIdentifier("1.2.3.4"), b"\x05\x00"), True)])
make("leaf-uncritical", by="root",
     extra=[(x509.UnrecognizedExtension(ObjectIdentifier("1.2.3.4"), b"\x05\x00"), False)])
make("leaf-policy", by="root",
     extra=[(x509.PolicyConstraints(0, None), True)])
make("leaf-bad-constraints", by="root", no_bc=True,
     extra=[(x509.UnrecognizedExtension(ObjectIdentifier("2.5.29.19"), b"\x30\x03\x02"), True)])
make("leaf-bad-id", by="root", skid=False,
     extra=[(x509.UnrecognizedExtension(ObjectIdentifier("2.5.29.14"), b"\x30\x03\x02"), False)])
make("leaf-bad-san", by="root", san=(),
     extra=[(x509.UnrecognizedExtension(ObjectIdentifier("2.5.29.17"), b"\x30\x03\x02"), False)])
make("leaf-sha1", by="root", digest=hashes.SHA1())
make("leaf-sha384", by="root", digest=hashes.SHA384())
make("leaf-sha512", by="root", digest=hashes.SHA512())
make("leaf-p384", key="P-384", by="root")
make("leaf-p192", key="P-192", by="root")
make("leaf-rsa2048", key="rsa2048", by="root")
make("leaf-rsa1024", key="rsa1024", by="root")
make("leaf-ed", key="ed25519", by="root")
make("leaf-by-p384", by="root-p384", digest=hashes.SHA384())
make("leaf-by-rsa", by="root-rsa")
make("leaf-by-rsa512", by="root-rsa", digest=hashes.SHA512())
make("leaf-by-rsa1024", by="root-rsa1024")
make("leaf-by-ed", by="root-ed")
make("leaf-by-mid-rsa1024", by="mid-rsa1024")
make("leaf-by-mid-sha1", by="mid-sha1")
make("leaf-wrong-id", by="root",
     akid=False, extra=[(x509.AuthorityKeyIdentifier(b"12345678901234567890", None, None), False)])
make("leaf-no-id", by="root", akid=False)
make("leaf-serial", by="root", akid_serial=certificates["root"].serial_number)
make("leaf-wrong-serial", by="root", akid_serial=4711)
make("leaf-case", by="root", issuer_name=x509.Name(
    [x509.NameAttribute(NameOID.ORGANIZATION_NAME, "  GOLDENS "), x509.NameAttribute(NameOID.COMMON_NAME, "Root")]))
make("leaf-by-root-expired", by="root-expired")
make("leaf-by-root-later", by="root-later")
make("leaf-by-root-no-ca", by="root-no-ca")
make("leaf-by-root-no-sign", by="root-no-sign")
make("leaf-by-root-no-bc", by="root-no-bc")
make("leaf-by-root-client", by="root-client", eku=[SERVER])
for issuer in ["mid", "mid-expired", "mid-later", "mid-no-ca", "mid-no-bc", "mid-no-bc-sign", "mid-no-sign", "mid-path0",
               "mid-client", "mid-spoilt", "mid2", "mid3", "mid-below-path0", "mid-below-root-path0", "mid-self-issued",
               "leaf", "leaf-server"]:
    make("leaf-by-" + issuer, by=issuer)
make("leaf-by-mid-expired-too", by="mid-expired", valid=OLD)
make("leaf-by-mid-no-id", by="mid", akid=False)
make("self", cn="self")
make("self-expired", cn="self", valid=OLD)
make("self-later", cn="self", valid=LATER)
make("self-ca", cn="self", ca=True)
make("self-spoilt", cn="self", spoil=True)
make("self-no-sign", cn="self", usage=["digital_signature"])
make("self-client", cn="self", eku=[CLIENT])
make("self-rsa1024", cn="self", key="rsa1024")
make("self-sha1", cn="self", digest=hashes.SHA1())
make("self-named", cn="self", by="root", issuer_name=name("self"))
make("bad", cn="mail.google.com", by="root", san=("localhost",), serial=0x047ecbe9fca55f7bd09eae36e10cae1e)
make("bad-self", cn="mail.google.com", san=("localhost",), serial=0x047ecbe9fca55f7bd09eae36e10cae1e)
make("bad-mid", cn="DigiNotar Root CA", by="root", ca=True, serial=0x0c76da9c910c4e2c9efe15d058933c4c)
make("leaf-by-bad-mid", by="bad-mid")

NC = x509.NameConstraints
NETS = [x509.IPAddress(ipaddress.ip_network("10.0.0.0/8"))]
for label, permitted, excluded in [
        ("dns", [dns("localhost")], None), ("dns-not", None, [dns("localhost")]), ("dns-example", [dns("example.com")], None),
        ("dns-dot", [dns(".example.com")], None), ("ip", NETS, None), ("ip-not", None, NETS),
        ("mail", [x509.RFC822Name("example.com")], None), ("uri", [x509.UniformResourceIdentifier(".example.com")], None),
        ("dir", [x509.DirectoryName(x509.Name([x509.NameAttribute(NameOID.ORGANIZATION_NAME, "Goldens")]))], None),
        ("dir-not", None, [x509.DirectoryName(x509.Name([x509.NameAttribute(NameOID.ORGANIZATION_NAME, "Goldens")]))])]:
    make("nc-" + label, cn="NC " + label, by="root", ca=True, constraints=NC(permitted, excluded))
    for kind, san in [("local", ["localhost"]), ("example", ["localhost", "a.example.com"]), ("ten", ["localhost", "10.1.2.3"]),
                      ("mail", ["localhost", x509.RFC822Name("me@example.com")]),
                      ("mail2", ["localhost", x509.RFC822Name("me@a.example.com")]),
                      ("uri", ["localhost", x509.UniformResourceIdentifier("https://a.example.com:3/x")]),
                      ("exact", ["example.com"]), ("fake", ["badexample.com"]), ("none", [])]:
        make(f"nc-{label}-{kind}", cn="www.example.com" if kind == "none" else "leaf", by="nc-" + label, san=san)

CASES = []


def case(chain, trusted="root", hows="any server client", host="localhost", depth=0):
    for how in hows.split():
        CASES.append((how, chain.split(), trusted.split(), host if how != "client" else "", depth))


for label in sorted(certificates):
    c = certificates[label]
    if c.issuer == certificates["root"].subject and not label.startswith(("root", "mid", "nc-")):
        case(label)
for leaf in ["leaf", "leaf-spoilt", "leaf-expired", "leaf-spoilt-expired", "leaf-other-expired", "leaf-ca"]:
    case(leaf, "")
    case(leaf, leaf)
    case(leaf, "root " + leaf, "any server")
    case(leaf + " root")
    case(leaf + " root", "")
    case(leaf + " root", "root-mimic", "any server")
    case(leaf + " mid root", "root", "any server")
    case("root " + leaf, "root", "any")
for root in ["root-expired", "root-later", "root-no-ca", "root-no-sign", "root-no-bc", "root-client"]:
    case("leaf-by-" + root, root)
    case("leaf-by-" + root + " " + root, root, "any server")
    case("leaf-by-" + root + " " + root, "", "any server")
for mid in ["mid", "mid-expired", "mid-later", "mid-no-ca", "mid-no-bc", "mid-no-bc-sign", "mid-no-sign", "mid-path0",
            "mid-client", "mid-spoilt", "leaf", "leaf-server", "bad-mid"]:
    leaf = "leaf-by-" + mid
    case(leaf, "root", "any server")
    case(leaf + " " + mid)
    case(leaf + " " + mid, "")
    case(leaf + " " + mid + " root", "root", "any server")
    case(leaf + " " + mid + " root", "", "any server")
    case(leaf, mid, "any server")
    case(leaf + " " + mid, mid, "any server")
    case(leaf, mid + " root", "any server")
case("leaf-by-mid-expired-too mid-expired")
for leaf in ["leaf-by-mid2 mid2 mid", "leaf-by-mid2 mid mid2", "leaf-by-mid2 mid2", "leaf-by-mid2 mid", "leaf-by-mid2",
             "leaf-by-mid3 mid3 mid2 mid root", "leaf-by-mid3 mid mid2 mid3 root", "leaf-by-mid3 root mid mid2 mid3",
             "leaf-by-mid3 leaf mid3 self mid2 mid", "leaf-by-mid3 mid3 mid3 mid2 mid2 mid"]:
    case(leaf, "root", "any server")
    case(leaf, "", "any server")
    case(leaf, "mid", "any server")
    case(leaf, "mid2", "any server")
for depth in range(1, 6):
    case("leaf-by-mid3 mid3 mid2 mid", "root", "server client", depth=depth)
    case("leaf-by-mid3 mid3 mid2 mid root", "", "server", depth=depth)
    case("leaf-by-mid mid", "root", "server", depth=depth)
    case("leaf", "root", "server", depth=depth)
    case("self", "", "server", depth=depth)
case("leaf-by-mid-below-path0 mid-below-path0 mid-path0")
case("leaf-by-mid-below-root-path0 mid-below-root-path0", "root-path0")
case("leaf-by-mid-self-issued mid-self-issued", "root-path0")
case("leaf-by-mid-self-issued mid-self-issued root-path0", "root-path0", "any server")
for mids in ["mid mid-by-other", "mid-by-other mid", "mid-mimic mid", "mid mid-mimic", "mid-expired-twin mid",
             "mid mid-expired-twin", "mid-expired-twin", "mid-by-expired mid", "mid-mimic", "mid-mimic-no-id"]:
    case("leaf-by-mid " + mids, "root", "any server")
    case("leaf-by-mid-no-id " + mids, "", "any server")
case("leaf-by-mid mid-by-other", "root-other", "any server")
case("leaf", "root-mimic")
case("leaf", "root-mimic-no-id")
case("leaf-no-id", "root-mimic")
case("leaf-wrong-id root")
for leaf in ["self", "self-expired", "self-later", "self-ca", "self-spoilt", "self-no-sign", "self-client", "self-rsa1024",
             "self-sha1", "self-named", "bad-self"]:
    case(leaf, "")
    case(leaf, leaf)
    case(leaf + " root", "root", "any server")
    case(leaf + " " + leaf, leaf, "any server")
case("self", "self-ca", "any server")
case("self", "self", "any server", host="other.example")
case("self self-ca", "", "any server")
for leaf in ["leaf-by-p384", "leaf-by-rsa", "leaf-by-rsa512", "leaf-by-rsa1024", "leaf-by-ed"]:
    case(leaf, "root-" + leaf[8:].replace("512", ""))
case("leaf-by-mid-rsa1024 mid-rsa1024")
case("leaf-by-mid-sha1 mid-sha1")
case("leaf-by-mid-sha1 mid-sha1 root", "", "any server")
for label in sorted(certificates):
    if label.startswith("nc-") and label.count("-") > 1 and certificates[label].issuer != certificates["root"].subject:
        case(label + " " + next(i for i in certificates if certificates[i].subject == certificates[label].issuer), "root",
             "any")
case("leaf", "root", "any", host="")
case("", "root", "any", host="localhost")


if len(sys.argv) > 2:
    random.seed(int(sys.argv[2]))
    pool = sorted(certificates)
    for _ in range(int(sys.argv[1])):
        # Mostly from one to its issuers.
        chain = [random.choice(pool)]
        while len(chain) < 6 and random.random() < 0.8:
            issuers = [c for c in pool if certificates[c].subject == certificates[chain[-1]].issuer]
            chain.append(random.choice(issuers if issuers and random.random() < 0.9 else pool))
        if random.random() < 0.2:
            random.shuffle(chain)
        trusted = random.sample(pool, random.randrange(3)) + random.sample(["root", chain[-1]], random.randrange(3))
        case(" ".join(chain), " ".join(trusted), "any", random.choice(["", "localhost", "a.example.com", "10.1.2.3"]))


def pem(labels):
    return b"".join(certificates[label].public_bytes(serialization.Encoding.PEM) for label in labels)


def qt(labels):
    return [QSslCertificate(QByteArray(pem([label]))) for label in labels]


def key_pem(label):
    return keys[label].private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8,
                                     serialization.NoEncryption())


def wait(condition):
    loop, timer, clock = QEventLoop(), QTimer(), QTimer()
    timer.timeout.connect(lambda: loop.quit() if condition() else None)
    timer.start(1)
    clock.setSingleShot(True)
    clock.timeout.connect(loop.quit)
    clock.start(10000)
    loop.exec_()
    assert condition(), "nothing happens"


def context(server, chain):
    result = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER if server else ssl.PROTOCOL_TLS_CLIENT)
    result.set_ciphers("ALL:@SECLEVEL=0")
    result.check_hostname = False
    result.verify_mode = ssl.CERT_NONE
    with tempfile.TemporaryDirectory() as directory:
        path = os.path.join(directory, "chain")
        with open(path, "wb") as file:
            file.write(key_pem(chain[0]) + pem(chain))
        result.load_cert_chain(path)
    return result


def peer(sock, tls, server):
    sock.settimeout(10)
    try:
        wrapped = tls.wrap_socket(sock, server_side=server)
        wrapped.read(1)
        wrapped.close()
    except (OSError, ssl.SSLError):
        sock.close()


def handshake(how, chain, trusted, host, depth):
    try:
        tls = context(how == "server", chain)
    except ssl.SSLError as error:
        return str(error)
    s = QSslSocket()
    s.setCaCertificates(qt(trusted))
    s.setPeerVerifyMode(QSslSocket.VerifyPeer)
    s.setPeerVerifyDepth(depth)
    if host:
        s.setPeerVerifyName(host)
    s.sslErrors.connect(lambda errors: s.ignoreSslErrors())
    done = []
    s.encrypted.connect(lambda: done.append("encrypted"))
    s.error.connect(lambda e: done.append(s.errorString()))
    if how == "server":
        listener = socket.create_server(("127.0.0.1", 0))
        thread = threading.Thread(target=lambda: peer(listener.accept()[0], tls, True))
        thread.start()
        s.connectToHostEncrypted("127.0.0.1", listener.getsockname()[1])
    else:
        listener = socket.create_server(("127.0.0.1", 0))
        client = socket.create_connection(listener.getsockname())
        accepted, _ = listener.accept()
        thread = threading.Thread(target=peer, args=(client, tls, False))
        thread.start()
        s.setLocalCertificate(qt(["leaf"])[0])
        s.setPrivateKey(QSslKey(QByteArray(key_pem("leaf")), QSsl.Ec, QSsl.Pem))
        s.setSocketDescriptor(accepted.detach())
        s.startServerEncryption()
    wait(lambda: done)
    errors = s.sslHandshakeErrors()
    s.abort()
    thread.join()
    listener.close()
    return errors if done[0] == "encrypted" else done[0]


def verify(chain, trusted, host):
    configuration = QSslConfiguration.defaultConfiguration()
    configuration.setCaCertificates(qt(trusted))
    QSslConfiguration.setDefaultConfiguration(configuration)
    return QSslCertificate.verify(qt(chain), host)


def main():
    app = QCoreApplication(sys.argv)
    # Or the system's would be loaded each time.
    QSslSocket.setDefaultCaCertificates([])
    for label, certificate in certificates.items():
        der = certificate.public_bytes(serialization.Encoding.DER)
        print("certificate", label, base64.b64encode(der).decode(), sep="\t")
    seen = set()
    for how, chain, trusted, host, depth in CASES:
        if (row := (how, tuple(chain), tuple(trusted), host, depth)) in seen:
            continue
        seen.add(row)
        if how == "any":
            errors = verify(chain, trusted, host)
        else:
            errors = handshake(how, chain, trusted, host, depth)
        if not isinstance(errors, str) and any(error.error() == QSslError.NoPeerCertificate for error in errors):
            errors = "the peer did not want to show it"
        if isinstance(errors, str):
            print(how, chain, trusted, errors, file=sys.stderr)
            continue
        parsed = [c.toDer() for c in qt(chain)]
        texts = []
        for error in errors:
            where = "-" if error.certificate().isNull() else parsed.index(error.certificate().toDer())
            texts.append(f"{error.error().name.decode()}@{where}" if isinstance(error.error().name, bytes)
                         else f"{error.error().name}@{where}")
        print("case", how, ",".join(chain), ",".join(trusted), host, depth, " ".join(texts), sep="\t")


main()
