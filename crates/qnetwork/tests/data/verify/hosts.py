#!/usr/bin/python3
"""Records which certificates Qt takes to be for which hosts, for `tests.rs` to compare with.

    /usr/bin/python3 hosts.py > hosts.tsv

It needs PySide2 5.15. The first line has all hosts, parted by tabs; the others have a certificate, its DER in base64,
what it says (its common name, a DNS name or an address, as Python writes it), and the numbers of the hosts in
the first line that it is for.
"""

import base64
import os
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "certificate"))
sys.argv = sys.argv[:1]

from PySide2.QtCore import QByteArray
from PySide2.QtNetwork import QSsl, QSslCertificate, QSslError, QSslSocket

from goldens import CN, cert, ext, seq, tlv

PATTERNS = [
    "www.example.com", "WWW.example.com", "*.example.com", "*.EXAMPLE.com", "xxx*.example.com", "XXX*.example.com",
    "f*.example.com", "192.168.0.0", "foo.\xe9xample.com", "*.\xe9xample.com", "*.xn--xample-9ua.com",
    "xn--kcry6tjko.example.org", "*.xn--kcry6tjko.example.org", "*", "*.*.com", "*.com", "*fail.com", "*.example.",
    "", "*.", "*fail.example.com", "*.168.0.0", "xn--kcry6tjko*.example.org", "\xe5*.example.org", "a.example.com.",
    "www.example.com.", "under_score.example", "-a.example", "::1", "0:0:0:0:0:0:0:1", "1.2.3", "*.3.4.5",
    "*x.example.com", "**.example.com", "w*w.example.com", "*.a.b.example.com", "192.168.0.0 ", "ex ample.com",
    "*.com.", "..", "*..com", "*.x..", "fa\xdf.de", "fass.de", "xn--fa-hia.de", "*.fa\xdf.de", "\u3002.com",
    "a\u3002example.com", "[::1]", "FOO.\xc9xample.com", "a..b.com", "*.example.com.", "*.under_score.com",
    "www.example.com:443", "127.1", "fe80::1", "::ffff:192.168.0.0", "1.2.3.4", "1.2.0.3",
]
HOSTS = [
    "www.example.com", "WWW.example.COM", "xxxwww.example.com", "XXXwww.example.com", "foo.example.com",
    "192.168.0.0", "foo.xn--xample-9ua.com", "foo.\xe9xample.com", "FOO.\xc9XAMPLE.com", "xn--kcry6tjko.example.org",
    "xn--kcr.xn--kcry6tjko.example.org", "example.com", "www.example.", "www.example", "www.foo.example.com",
    "baa.example.com", "xn--kcry6tjkoanc.example.org", "xn--la-xia.example.org", "www.example.com.", "a.example.com",
    "under_score.example", "-a.example", "::1", "0:0:0:0:0:0:0:1", "1.2.3", "2.3.4.5", "1.2.0.3", "x.a.b.example.com",
    " www.example.com", "ex ample.com", "a.com", "a..com", "fa\xdf.de", "fass.de", "xn--fa-hia.de", "a.fa\xdf.de",
    "a.example.com", "[::1]", "a..b.com", ".example.com", "x.under_score.com", "www.example.com:443", "*.example.com",
    "fe80::1%lo", "192.168.0.00", "3232235520", "0xc0a80000", "other.example", "another.example",
    "::ffff:192.168.0.0", "fe80::1", "127.1",
]
ADDRESSES = [bytes([192, 168, 0, 0]), bytes([1, 2, 3, 4]), bytes(15) + b"\1", bytes(10) + b"\xff\xff\xc0\xa8\0\0",
             b"\xfe\x80" + bytes(13) + b"\1", bytes([1, 2, 0, 3])]


def certificates():
    for text in PATTERNS:
        yield "cn " + repr(text), cert(subj=[(CN, 0x0c, text.encode())])
        if all(ord(c) < 256 for c in text):
            name = seq(tlv(0x82, text.encode("latin1")))
            yield "dns " + repr(text), cert(ext("2.5.29.17", name), subj=[(CN, 0x0c, b"q")])
    for address in ADDRESSES:
        yield "ip " + address.hex(), cert(ext("2.5.29.17", seq(tlv(0x87, address))), subj=[(CN, 0x0c, b"q")])
    other = ext("2.5.29.17", seq(tlv(0x82, b"other.example"), tlv(0x82, b"another.example")))
    yield "cn and dns", cert(other, subj=[(CN, 0x0c, b"a.example.com"), (CN, 0x0c, b"www.example.com")])
    yield "nul", cert(subj=[(CN, 0x0c, b"www.example.com\0.evil.example")])


# Or the system's would be loaded each time.
QSslSocket.setDefaultCaCertificates([])
print(*HOSTS, sep="\t")
for what, der in certificates():
    chain = [QSslCertificate(QByteArray(der), QSsl.Der)]
    fits = [i for i, host in enumerate(HOSTS)
            if not any(e.error() == QSslError.HostNameMismatch for e in QSslCertificate.verify(chain, host))]
    print(base64.b64encode(der).decode(), what, *fits, sep="\t")
