#!/usr/bin/python3
"""Records what Qt's QSslCertificate says of certificates, for `tests.rs` to compare with.

    /usr/bin/python3 goldens.py > goldens.tsv
    /usr/bin/python3 goldens.py /etc/ssl/certs/ca-certificates.crt > table.tsv     # and those of other files

Such a table takes the place of goldens.tsv for one run of the tests. It needs PySide2 5.15, and openssl. A line is the
name of the certificate, its DER in base64, and what Qt says, fields parted by tabs; line feeds and backslashes within
the last are escaped. It is empty if to Qt it is no certificate.
"""

import base64
import os
import re
import subprocess
import sys
import tempfile

from PySide2.QtCore import QByteArray, QCryptographicHash, Qt
from PySide2.QtNetwork import QSsl, QSslCertificate


def tlv(tag, value):
    n = len(value)
    length = bytes([n]) if n < 128 else bytes([0x81, n]) if n < 256 else bytes([0x82, n >> 8, n & 255])
    return bytes([tag]) + length + value


def oid(text):
    numbers = [int(x) for x in text.split(".")]
    out = [numbers[0] * 40 + numbers[1]]
    for x in numbers[2:]:
        digits = [x & 127]
        while x := x >> 7:
            digits.insert(0, 128 | x & 127)
        out += digits
    return bytes(out)


def name(parts):
    return tlv(0x30, b"".join(tlv(0x31, tlv(0x30, tlv(6, o) + tlv(t, c))) for o, t, c in parts))


CN = oid("2.5.4.3")
KEY = bytes.fromhex("302a300506032b6570032100") + bytes(32)
TIMES = tlv(0x17, b"200101000000Z") + tlv(0x17, b"300101000000Z")


def cert(exts=b"", serial=b"\x01", subj=((CN, 0x0c, b"x"),), iss=((CN, 0x0c, b"y"),), version=2, times=TIMES, key=KEY):
    algorithm = bytes.fromhex("300506032b6570")
    number = tlv(0xa0, tlv(2, bytes([version]))) if version else b""
    tbs = tlv(0x30, number + tlv(2, serial) + algorithm + name(iss) + tlv(0x30, times) + name(subj) + key
              + (tlv(0xa3, tlv(0x30, exts)) if exts else b""))
    return tlv(0x30, tbs + algorithm + tlv(3, b"\0" + bytes(64)))


def ext(number, value, critical=None):
    mark = tlv(1, bytes([critical])) if critical is not None else b""
    return tlv(0x30, tlv(6, oid(number)) + mark + tlv(4, value))


def seq(*parts):
    return tlv(0x30, b"".join(parts))


def crafted():
    q = name([(CN, 0x0c, b"q")])
    uri = tlv(0x86, b"http://x")
    extensions = {
        "bc empty": ("2.5.29.19", seq()),
        "bc false": ("2.5.29.19", seq(tlv(1, b"\0"))),
        "bc path alone": ("2.5.29.19", seq(tlv(2, b"\x05"))),
        "bc bad": ("2.5.29.19", b"\x30\x03\x02"),
        "bc negative": ("2.5.29.19", seq(tlv(1, b"\xff"), tlv(2, b"\xff"))),
        "akid": ("2.5.29.35", seq(tlv(0x80, b"abc"))),
        "akid empty": ("2.5.29.35", seq()),
        "akid long serial": ("2.5.29.35", seq(tlv(0xa1, tlv(0xa4, q)), tlv(0x82, bytes(range(1, 11))))),
        "akid negative serial": ("2.5.29.35", seq(tlv(0xa1, tlv(0xa4, q)), tlv(0x82, b"\xff\x03"))),
        "akid bad": ("2.5.29.35", b"\x30\x03\x02"),
        "skid": ("2.5.29.14", tlv(4, b"abc")),
        "skid bad": ("2.5.29.14", b"\x30\x03\x02"),
        "skid empty": ("2.5.29.14", tlv(4, b"")),
        "ku all": ("2.5.29.15", tlv(3, b"\x07\xff\x80")),
        "ku none": ("2.5.29.15", tlv(3, b"\x07\x00")),
        "ku bad": ("2.5.29.15", b"\x03\x00"),
        "eku": ("2.5.29.37", seq(tlv(6, oid("1.3.6.1.5.5.7.3.1")), tlv(6, oid("1.2.3")), tlv(6, oid("2.5.29.37.0")))),
        "eku empty": ("2.5.29.37", seq()),
        "ns all": ("2.16.840.1.113730.1.1", tlv(3, b"\0\xff")),
        "ns url": ("2.16.840.1.113730.1.2", tlv(0x16, b"http://a")),
        "aia": ("1.3.6.1.5.5.7.1.1", seq(seq(tlv(6, oid("1.3.6.1.5.5.7.48.1")), tlv(0x86, b"http://a")),
                                         seq(tlv(6, oid("1.3.6.1.5.5.7.48.1")), tlv(0x86, b"http://b")))),
        "aia odd": ("1.3.6.1.5.5.7.1.1", seq(seq(tlv(6, oid("1.2.3")), tlv(0x86, b"u")),
                                             seq(tlv(6, oid("1.3.6.1.5.5.7.48.2")), tlv(0x82, b"d")))),
        "sia": ("1.3.6.1.5.5.7.1.11", seq(seq(tlv(6, oid("1.3.6.1.5.5.7.48.5")), tlv(0x86, b"u")))),
        "poison": ("1.3.6.1.4.1.11129.2.4.3", b"\5\0"),
        "policy mappings": ("2.5.29.33", seq(seq(tlv(6, oid("1.2.3")), tlv(6, oid("1.2.4"))))),
        "policy constraints": ("2.5.29.36", seq(tlv(0x80, b"\0"), tlv(0x81, b"\5"))),
        "inhibit": ("2.5.29.54", tlv(2, b"\2")),
        "no check": ("1.3.6.1.5.5.7.48.1.5", b"\5\0"),
        "tls features": ("1.3.6.1.5.5.7.1.24", seq(tlv(2, b"\5"), tlv(2, b"\x11"), tlv(2, b"\x07"))),
        "crl": ("2.5.29.31", seq(
            seq(tlv(0xa0, tlv(0xa0, uri + tlv(0xa4, q))), tlv(0x81, b"\1\x06"), tlv(0xa2, tlv(0x82, b"iss"))),
            seq(tlv(0xa0, tlv(0xa1, tlv(0x30, tlv(6, CN) + tlv(0x0c, b"rel"))))))),
        "crl two": ("2.5.29.31", seq(seq(tlv(0xa0, tlv(0xa0, uri + uri))), seq(tlv(0xa0, tlv(0xa0, uri))))),
        "freshest": ("2.5.29.46", seq(seq(tlv(0xa0, tlv(0xa0, uri))))),
        "policies": ("2.5.29.32", seq(
            seq(tlv(6, oid("1.2.3.4"))), seq(tlv(6, oid("2.5.29.32.0"))),
            seq(tlv(6, oid("1.3.5.8")), seq(
                seq(tlv(6, oid("1.3.6.1.5.5.7.2.1")), tlv(0x16, b"http://cps/")),
                seq(tlv(6, oid("1.3.6.1.5.5.7.2.2")), seq(
                    seq(tlv(0x0c, b"Orga"), seq(tlv(2, b"\1"), tlv(2, b"\2"))), tlv(0x0c, b"Text"))))))),
        "constraints": ("2.5.29.30", seq(
            tlv(0xa0, seq(tlv(0x82, b"example.com")) + seq(tlv(0x81, b".x.y")) + seq(tlv(0xa4, q))),
            tlv(0xa1, seq(tlv(0x87, bytes([10, 0, 0, 0, 255, 0, 0, 0]))) + seq(tlv(0x87, bytes(32)))))),
        "san": ("2.5.29.17", seq(
            tlv(0x81, b"z@y"), tlv(0x82, b"b.example"), tlv(0x82, b"a.example"), tlv(0x87, bytes([1, 2, 3, 4])),
            tlv(0x87, bytes(15) + b"\1"), tlv(0x81, b"a@y"), uri, tlv(0x88, oid("1.2.3")), tlv(0xa4, q),
            tlv(0xa0, tlv(6, oid("1.2.3.4")) + tlv(0xa0, tlv(0x0c, b"foo"))),
            tlv(0xa0, tlv(6, oid("1.3.6.1.4.1.311.20.2.3")) + tlv(0xa0, tlv(0x0c, b"upn@x"))))),
        "san nul": ("2.5.29.17", seq(tlv(0x82, b"www.bank.com\0www.badguy.com"), tlv(0x82, b"www.bank.com"))),
        "san address": ("2.5.29.17", seq(tlv(0x87, b"123"), tlv(0x87, b"1234567890123456"))),
        "san empty": ("2.5.29.17", seq()),
        "ian": ("2.5.29.18", seq(tlv(0x81, b"z@y"), tlv(0x82, b"q"))),
        "unknown": ("1.2.3.4", b"abc\n\0\xff"),
        "unknown empty": ("1.2.3.5", b""),
        "attributes": ("2.5.29.9", seq()),
        "period": ("2.5.29.16", seq(tlv(0x80, b"20200101000000Z"), tlv(0x81, b"20210101000000Z"))),
        "statements": ("1.3.6.1.5.5.7.1.3", seq()),
    }
    for label, (number, value) in extensions.items():
        yield label, cert(ext(number, value))
    yield "critical", cert(ext("1.2.3.4", b"abc", 255))
    yield "not critical", cert(ext("1.2.3.4", b"abc", 0))
    yield "san twice", cert(ext("2.5.29.17", seq(tlv(0x82, b"a"))) + ext("2.5.29.17", seq(tlv(0x82, b"b"))))
    for serial in ["00", "7f", "80", "00ff", "000001", "ffff", "8000", "01" * 8, "7f" + "ff" * 7, "00ff" + "00" * 7,
                   "01" * 9, "ff" * 9, "80" + "00" * 8, "", "11", "0102" * 10]:
        yield "serial " + serial, cert(serial=bytes.fromhex(serial))
    for version in [0, 1, 2, 3, 9]:
        yield f"version {version}", cert(version=version)
    for before, after in [(b"200101000000Z", b"20500101000000Z"), (b"00010101000000Z", b"99991231235959Z"),
                          (b"500101000000Z", b"491231235959Z"), (b"xx", b"200101000000Z"), (b"200101000000Z", b""),
                          (b"20200101000000", b"200101000000Z"), (b"201301000000Z", b"200100000000Z"),
                          (b"190229000000Z", b"200229000000Z"), (b"20200101000060", b"2020010124000Z"),
                          (b"21000229000000Z", b"24000229000000Z"), (b"19700101000000Z", b"19691231235959Z")]:
        times = b"".join(tlv(0x18 if len(t) in (14, 15) else 0x17, t) for t in (before, after))
        yield f"times {before} {after}", cert(times=times)
    yield "times wrong kind", cert(times=tlv(0x0c, b"200101000000Z") + tlv(0x17, b"200101000000Z"))
    number = oid
    subjects = {
        "nobody": [], "organisation": [(number("2.5.4.10"), 0x0c, b"o"), (number("2.5.4.11"), 0x0c, b"ou")],
        "unit": [(number("2.5.4.11"), 0x0c, b"ou")], "country": [(number("2.5.4.6"), 0x13, b"c")],
        "two": [(CN, 0x0c, b"first"), (number("2.5.4.11"), 0x0c, b"u1"), (CN, 0x0c, b"second"), (number("2.5.4.11"), 0x0c, b"u2")],
        "odd": [(number("1.2.3.4.5"), 0x0c, b"odd"), (number("2.5.4.46"), 0x13, b"q"), (number("2.5.4.5"), 0x13, b"77"),
                (number("2.5.4.9"), 0x0c, b"Str"), (number("1.2.840.113549.1.9.1"), 0x16, b"a@b"), (number("2.5.4.12"), 0x0c, b"T"),
                (number("2.5.4.42"), 0x0c, b"G"), (number("2.5.4.4"), 0x0c, b"S"), (number("0.9.2342.19200300.100.1.25"), 0x16, b"dc"),
                (number("2.5.4.7"), 0x0c, b"L"), (number("2.5.4.8"), 0x0c, b"ST")],
        "nul": [(CN, 0x0c, b"nul\0x")], "latin": [(CN, 0x14, b"caf\xe9")], "bmp": [(CN, 0x1e, b"\0q\x20\xac")],
        "universal": [(CN, 0x1c, b"\0\x01\xf6\x00")], "ia5": [(CN, 0x16, b"ia5")], "ia5 high": [(CN, 0x16, b"ia5\xe9")],
        "numeric": [(CN, 0x12, b"123")], "utf8": [(CN, 0x0c, "caf\u00e9 \u20ac".encode())], "spaces": [(CN, 0x0c, b" sp ")],
        "signs": [(CN, 0x0c, b"#a,b+c\"d\\e<f>g;h=i/CN=j")], "empty": [(CN, 0x0c, b"")], "bmp odd": [(CN, 0x1e, b"abc")],
        "utf8 bad": [(CN, 0x0c, b"\xff")], "integer": [(CN, 2, b"\1")], "octets": [(CN, 4, b"oct")],
        "visible": [(CN, 0x1a, b"vis")], "bits": [(CN, 3, b"\0bits")], "time": [(CN, 0x17, b"200101000000Z")],
        "general": [(CN, 0x1b, b"gen")], "boolean": [(CN, 1, b"\xff")], "sequence": [(CN, 0x30, b"")],
    }
    for label, subject in subjects.items():
        yield "subject " + label, cert(subj=subject)
    yield "issuer two", cert(iss=subjects["two"])
    yield "own", cert(iss=[(CN, 0x13, b" X")])
    yield "own no sign", cert(ext("2.5.29.15", tlv(3, b"\0\x80")), iss=[(CN, 0x0c, b"x")])
    yield "own other id", cert(ext("2.5.29.14", tlv(4, b"abc")) + ext("2.5.29.35", seq(tlv(0x80, b"abd"))), iss=[(CN, 0x0c, b"x")])
    yield "own bad extension", cert(ext("2.5.29.14", b"\x30"), iss=[(CN, 0x0c, b"x")])
    yield "blacklisted", cert(serial=bytes.fromhex("047ecbe9fca55f7bd09eae36e10cae1e"), subj=[(CN, 0x0c, b"mail.google.com")])
    yield "blacklisted issuer", cert(serial=bytes.fromhex("0827"), iss=[(CN, 0x0c, b"*.EGO.GOV.TR")])
    yield "not blacklisted", cert(serial=bytes.fromhex("0827"), iss=[(CN, 0x0c, b"*.EGO.GOV.T")])
    yield "key unknown", cert(key=seq(seq(tlv(6, oid("1.2.3"))), tlv(3, b"\0abc")))
    yield "tail", cert() + b"tail"
    yield "cut", cert()[:-1]


KINDS = ["rsa:1024", "rsa:2048", "ec P-224", "ec P-256", "ec P-384", "ec P-521", "ed25519", "ed448"]


def generated():
    with tempfile.TemporaryDirectory() as directory:
        for kind in KINDS:
            algorithm = kind if not kind.startswith("ec") else "ec -pkeyopt ec_paramgen_curve:" + kind[3:]
            path = os.path.join(directory, "c")
            subprocess.run(f"openssl req -x509 -newkey {algorithm} -nodes -keyout {path}k -out {path} -days 9 -subj /CN=k -outform der",
                           shell=True, check=True, capture_output=True)
            with open(path, "rb") as file:
                yield kind, file.read()


def show(value):
    if value is None:
        return "null"
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, int):
        return str(value)
    if isinstance(value, str):
        return "'" + value + "'"
    if isinstance(value, QByteArray):
        return "x" + bytes(value).hex()
    if isinstance(value, list):
        return "[" + ", ".join(show(v) for v in value) + "]"
    return "{" + ", ".join(f"{k}: {show(value[k])}" for k in sorted(value)) + "}"


def describe(c):
    if c.isNull():
        return ""
    def date(d):
        return d.toString(Qt.ISODate) if d.isValid() else "none"
    lines = [f"version {bytes(c.version()).decode()} serial {bytes(c.serialNumber()).decode()}",
             f"md5 {bytes(c.digest()).hex()} sha1 {bytes(c.digest(QCryptographicHash.Sha1)).hex()}",
             f"self {str(c.isSelfSigned()).lower()} bad {str(c.isBlacklisted()).lower()}",
             f"from {date(c.effectiveDate())} to {date(c.expiryDate())}",
             "subject " + c.subjectDisplayName(), "issuer " + c.issuerDisplayName()]
    for who, attributes, info in [("S", c.subjectInfoAttributes(), c.subjectInfo), ("I", c.issuerInfoAttributes(), c.issuerInfo)]:
        lines += [f"{who} {bytes(a).decode()} {show(info(a))}" for a in attributes]
    names = re.search(r"QMap\((.*?)\), (?:QDateTime)", repr(c), re.S).group(1)
    lines.append("names " + names)
    for e in c.extensions():
        lines.append(f"E {e.name()} {e.oid()} {str(e.isCritical()).lower()} {str(e.isSupported()).lower()} {show(e.value())}")
    return "\n".join(lines) + "\n" + c.toText()


def main():
    certificates = list(crafted()) + list(generated())
    for path in sys.argv[1:]:
        for c in QSslCertificate.fromPath(path):
            certificates.append((c.subjectDisplayName().replace("\t", " "), bytes(c.toDer())))
    for label, der in certificates:
        try:
            text = describe(QSslCertificate(QByteArray(der), QSsl.Der))
            text.encode()
        except UnicodeError as error:
            print(label, error, file=sys.stderr)
            continue
        text = text.replace("\\", "\\\\").replace("\n", "\\n").replace("\r", "\\r").replace("\t", "\\t").replace("\0", "\\0")
        print(label, base64.b64encode(der).decode(), text, sep="\t")


if __name__ == "__main__":
    main()
