"""Records what Qt's QDnsLookup makes of replies of a DNS server.

Prints the table `qt-dns.tsv`. Qt always asks port 53, so the script needs a network namespace of its own
and root:

    unshare -n /usr/bin/python3 tests/data/qt-dns.py > tests/data/qt-dns.tsv

The columns are: what the reply is about, the type and the name that are looked up, the reply in hex (its
id is that of the query), and what Qt has then: the number of the error, its text, and the records.
"""

import os
import socket
import struct
import subprocess
import threading

os.environ["RES_OPTIONS"] = "timeout:1 attempts:1"

from PySide2.QtCore import QCoreApplication, QEventLoop, QTimer
from PySide2.QtNetwork import QDnsLookup, QHostAddress

A, NS, CNAME, SOA, PTR, MX, TXT, AAAA, SRV, ANY = 1, 2, 5, 6, 12, 15, 16, 28, 33, 255
ASKED = b"\xc0\x0c"


def name(text):
    labels = [label.encode("latin-1") for label in text.split(".") if label]
    return b"".join(bytes([len(label)]) + label for label in labels) + b"\0"


def record(kind, data, owner=ASKED, ttl=60, size=None, dns_class=1):
    size = len(data) if size is None else size
    return owner + struct.pack(">HHIH", kind, dns_class, ttl, size) + data


def mx(preference, exchange, **more):
    return record(MX, struct.pack(">H", preference) + exchange, **more)


def srv(priority, weight, port, target, **more):
    return record(SRV, struct.pack(">HHH", priority, weight, port) + target, **more)


def txt(*strings, **more):
    return record(TXT, b"".join(bytes([len(one)]) + one for one in strings), **more)


def address(text):
    return socket.inet_aton(text)


def address6(text):
    return socket.inet_pton(socket.AF_INET6, text)


def reply(kind, asked, records, count=None, flags=0x8180, questions=1, cut=0, authority=0, rest=b""):
    count = len(records) if count is None else count
    header = struct.pack(">HHHHHH", 0, flags, questions, count, authority, 0)
    message = header + name(asked) + struct.pack(">HH", kind, 1) + b"".join(records) + rest
    return message[: len(message) - cut]


def one(what, kind, record_, asked="a.example", **more):
    return (what, kind, asked, reply(kind, asked, [record_], **more))


ADDRESS = record(A, address("192.0.2.1"))
OTHER = record(A, address("192.0.2.2"))

CASES = [
    # Each type.
    one("an IPv4 address", A, ADDRESS),
    ("several addresses", A, "a.example", reply(A, "a.example", [ADDRESS, OTHER, ADDRESS])),
    one("an IPv6 address", AAAA, record(AAAA, address6("2001:db8::1"))),
    one("an alias", CNAME, record(CNAME, name("b.example"))),
    one("a name server", NS, record(NS, name("ns1.example"))),
    one("a pointer", PTR, record(PTR, name("host.example")), asked="1.2.0.192.in-addr.arpa"),
    ("mail", MX, "a.example", reply(MX, "a.example", [mx(20, name("b.example")), mx(10, name("c.example")),
        mx(65535, name("d.example")), mx(0, name("e.example"))])),
    ("services", SRV, "_sip._tcp.a.example", reply(SRV, "_sip._tcp.a.example", [
        srv(20, 5, 5060, name("b.example")), srv(10, 0, 65535, name("c.example")),
        srv(0, 1, 1, name("d.example"))])),
    one("a text", TXT, txt(b"v=spf1 -all")),
    one("a text of several strings", TXT, txt(b"one", b"", b"\0\xff\"", b"x" * 255)),
    one("an empty text", TXT, txt()),
    ("texts", TXT, "a.example", reply(TXT, "a.example", [txt(b"b"), txt(b"a")])),
    ("all types", ANY, "a.example", reply(ANY, "a.example", [
        ADDRESS, record(AAAA, address6("::ffff:192.0.2.1")), mx(1, name("m.example")), record(NS, name("n.example")),
        txt(b"t"), record(SOA, name("n.example") + name("r.example") + bytes(20)), record(99, b"\1\2\3")])),
    # Aliases and where they lead.
    ("an alias and its address", A, "a.example", reply(A, "a.example", [
        record(CNAME, name("b.example")), record(A, address("192.0.2.1"), owner=name("b.example"))])),
    ("a chain of aliases", A, "a.example", reply(A, "a.example", [
        record(CNAME, name("b.example")), record(CNAME, name("c.example"), owner=name("b.example")),
        record(A, address("192.0.2.1"), owner=name("c.example"))])),
    ("an alias of itself", A, "a.example", reply(A, "a.example", [record(CNAME, name("a.example"))])),
    ("an address of another name", A, "a.example", reply(A, "a.example", [
        record(A, address("192.0.2.1"), owner=name("elsewhere.example"))])),
    one("another type than asked for", A, txt(b"t")),
    # Names.
    one("capitals", CNAME, record(CNAME, name("WWW.Example"), owner=name("A.EXAMPLE"))),
    one("the root", MX, mx(0, name(""))),
    one("a name with a space", CNAME, record(CNAME, name("a b.example"))),
    one("a name with a star", CNAME, record(CNAME, name("*.example"))),
    one("a name with a slash", PTR, record(PTR, name("0/25.2.0.192.in-addr.arpa"))),
    one("a name with a backslash", CNAME, record(CNAME, name("a\\b.example"))),
    one("a label with a dot", CNAME, record(CNAME, b"\3a.b\7example\0")),
    one("a name of bytes above 127", CNAME, record(CNAME, name("b\xfccher.de"))),
    one("a name that begins with a hyphen", CNAME, record(CNAME, name("-a.example"))),
    one("a name that ends with a hyphen", CNAME, record(CNAME, name("a-.example"))),
    one("underscores", CNAME, record(CNAME, name("_a._b_.example"))),
    one("punycode, for a domain that shows it decoded", CNAME, record(CNAME, name("xn--bcher-kva.de"))),
    one("the same with capitals", CNAME, record(CNAME, name("XN--BCHER-kva.DE"))),
    one("two labels in punycode", CNAME, record(CNAME, name("xn--wgv71a119e.xn--bcher-kva.jp"))),
    one("punycode beside an underscore", CNAME, record(CNAME, name("xn--bcher-kva._x.org"))),
    one("punycode, for another domain", CNAME, record(CNAME, name("xn--bcher-kva.example"))),
    one("a domain in punycode", CNAME, record(CNAME, name("xn--bcher-kva.xn--p1ai"))),
    one("punycode of a name in ASCII", CNAME, record(CNAME, name("xn--fass-.de"))),
    one("punycode that is none", CNAME, record(CNAME, name("xn--a.de"))),
    one("punycode without anything", CNAME, record(CNAME, name("xn--.de"))),
    one("punycode that overflows", CNAME, record(CNAME, name("xn--99999999999999.de"))),
    one("punycode of letters that are mapped", CNAME, record(CNAME, name("xn--strae-oqa.de"))),
    one("an owner in punycode", A, record(A, address("192.0.2.1"), owner=name("xn--bcher-kva.de"))),
    one("a name of 255 bytes", CNAME, record(CNAME, name(".".join(["x" * 49] * 5 + ["123"])))),
    one("a name of 256 bytes", CNAME, record(CNAME, name(".".join(["x" * 49] * 5 + ["1234"])))),
    one("a name of 300 bytes", CNAME, record(CNAME, name(".".join(["x" * 49] * 6)))),
    one("a label of 63 bytes", CNAME, record(CNAME, name("x" * 63 + ".example"))),
    # Compression.
    one("a compressed name", CNAME, record(CNAME, b"\3www\xc0\x0c")),
    one("a pointer to the middle of a name", CNAME, record(CNAME, b"\3www\xc0\x0e")),
    one("a pointer to itself", CNAME, record(CNAME, b"\xc0\x27")),
    one("a pointer behind the end", CNAME, record(CNAME, b"\xff\xff")),
    one("two names that point to each other", CNAME, record(CNAME, b"\1a\xc0\x2b\1b\xc0\x27")),
    one("an owner that points to itself", A, record(A, address("192.0.2.1"), owner=b"\xc0\x1b")),
    one("half a pointer", CNAME, record(CNAME, b"\xc0")),
    one("a label of an unknown kind", CNAME, record(CNAME, b"\x41x\0")),
    one("another unknown kind", CNAME, record(CNAME, b"\x81x\0")),
    # Records of a wrong size.
    one("an IPv4 address of 3 bytes", A, record(A, b"\1\2\3")),
    one("an IPv4 address of 5 bytes", A, record(A, b"\1\2\3\4\5")),
    one("an IPv6 address of 4 bytes", AAAA, record(AAAA, b"\1\2\3\4")),
    one("an empty address", A, record(A, b"")),
    one("an empty alias at the end", CNAME, record(CNAME, b"")),
    one("an empty name server at the end", NS, record(NS, b"")),
    one("an empty pointer at the end", PTR, record(PTR, b"")),
    one("mail without a name at the end", MX, record(MX, b"\0\1")),
    one("a service without a name at the end", SRV, record(SRV, b"\0\1\0\1\0\1")),
    one("a string longer than its text", TXT, record(TXT, b"\5abc")),
    one("an alias with bytes behind it", CNAME, record(CNAME, name("b.example") + b"\1\2\3")),
    one("an alias longer than its record", CNAME, record(CNAME, name("b.example"), size=4)),
    ("a good record and a bad one", A, "a.example", reply(A, "a.example", [ADDRESS, record(A, b"\1\2\3"), OTHER])),
    ("a good record and a bad one of another type", A, "a.example",
        reply(A, "a.example", [ADDRESS, record(MX, b"\0\1\x41"), OTHER])),
    # Messages that are cut off, or that contradict themselves.
    ("more records announced than there are", A, "a.example", reply(A, "a.example", [ADDRESS], count=5)),
    ("fewer records announced than there are", A, "a.example", reply(A, "a.example", [ADDRESS, OTHER], count=1)),
    ("cut in the data", A, "a.example", reply(A, "a.example", [ADDRESS, OTHER], cut=2)),
    ("cut in the header of a record", A, "a.example", reply(A, "a.example", [ADDRESS, OTHER], cut=8)),
    ("cut in an owner", A, "a.example", reply(A, "a.example", [ADDRESS, OTHER], cut=15)),
    ("a record of another class", A, "a.example", reply(A, "a.example", [record(A, address("192.0.2.1"), dns_class=3)])),
    ("a great time to live", A, "a.example", reply(A, "a.example", [record(A, address("192.0.2.1"), ttl=0xffffffff)])),
    ("an authority section of garbage", A, "a.example",
        reply(A, "a.example", [ADDRESS], authority=3, rest=b"\x41\x41\x41")),
    # Answers without records, and refusals.
    ("no such name", A, "a.example", reply(A, "a.example", [], flags=0x8183)),
    ("no such name, with an alias", A, "a.example", reply(A, "a.example", [record(CNAME, name("b.example"))], flags=0x8183)),
    ("no data", A, "a.example", reply(A, "a.example", [], flags=0x8180)),
    ("a referral", A, "a.example", reply(A, "a.example", [], flags=0x8000)),
    ("an authoritative answer", A, "a.example", reply(A, "a.example", [ADDRESS], flags=0x8400)),
    ("no response but a query", A, "a.example", reply(A, "a.example", [ADDRESS], flags=0x0100)),
    ("another kind of request", A, "a.example", reply(A, "a.example", [ADDRESS], flags=0x9180)),
]
CASES += [("code %d" % code, A, "a.example", reply(A, "a.example", [], flags=0x8180 | code)) for code in range(1, 16)]
CASES += [("code %d with a record" % code, A, "a.example", reply(A, "a.example", [ADDRESS], flags=0x8180 | code))
          for code in (1, 2, 3, 4, 5, 6)]


def serve(server, replies):
    while True:
        query, peer = server.recvfrom(1000)
        server.sendto(query[:2] + replies[0][2:], peer)


def records(lookup):
    out = []
    for kind, found in (("CNAME", lookup.canonicalNameRecords()), ("NS", lookup.nameServerRecords()),
                        ("PTR", lookup.pointerRecords())):
        out += [[kind, r.name(), r.timeToLive(), r.value()] for r in found]
    out += [["ADDRESS", r.name(), r.timeToLive(), r.value().toString()] for r in lookup.hostAddressRecords()]
    out += [["MX", r.name(), r.timeToLive(), r.preference(), r.exchange()] for r in lookup.mailExchangeRecords()]
    out += [["SRV", r.name(), r.timeToLive(), r.priority(), r.weight(), r.port(), r.target()]
            for r in lookup.serviceRecords()]
    out += [["TXT", r.name(), r.timeToLive()] + [bytes(v).hex() for v in r.values()] for r in lookup.textRecords()]
    return " | ".join(" ".join(str(word) or "-" for word in one) for one in out)


def main():
    subprocess.check_call(["ip", "link", "set", "lo", "up"])
    server = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    server.bind(("127.0.0.1", 53))
    replies = [b""]
    threading.Thread(target=serve, args=(server, replies), daemon=True).start()
    app = QCoreApplication([])
    for what, kind, asked, message in CASES:
        replies[0] = message
        lookup = QDnsLookup(QDnsLookup.Type(kind), asked, QHostAddress("127.0.0.1"))
        loop = QEventLoop()
        lookup.finished.connect(loop.quit)
        QTimer.singleShot(10000, loop.quit)
        lookup.lookup()
        loop.exec_()
        assert lookup.isFinished(), what
        columns = [what, kind, asked, message.hex(), int(lookup.error()), lookup.errorString(), records(lookup)]
        print("\t".join(str(column) for column in columns))


main()
