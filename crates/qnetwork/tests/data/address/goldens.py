#!/usr/bin/python3
"""Records what Qt's QHostAddress answers, for `tests.rs` to compare with.

    /usr/bin/python3 goldens.py > goldens.tsv
    /usr/bin/python3 goldens.py 100000 7 > table.tsv     # and 100000 random texts, seed 7

Such a table takes the place of goldens.tsv for one run of the tests; the rows that then differ should
be prefix lengths from 2147483648 on, which Qt takes for negative ones.

It needs PySide2 5.15 with shiboken2. The table is one question a line, fields parted by tabs, texts
with Python's escapes; `@Any` in place of an address is the special address of that name.

    address TEXT PARSES TOSTRING PROTOCOL SCOPE IPV4 IPV6 CLASSES
        IPV4 is `-` where Qt's `ok` is false, IPV6 is hexadecimal; CLASSES has a letter for each of
        Loopback Global linKlocal Sitelocal Uniquelocal Multicast Broadcast that holds
    equal LEFT RIGHT OPERATOR MODES
        MODES: the modes 0 to 15 and 255 with which isEqual() is true, bit 0 to bit 16, hexadecimal
    within ADDRESS SUBNET NETMASK RESULT
    subnet TEXT NETWORK PREFIX
        `-` twice where Qt returns (null, -1)
"""

import ctypes
import random
import sys

import PySide2
import shiboken2
from PySide2.QtNetwork import QAbstractSocket, QHostAddress

SPECIAL = ["Null", "Broadcast", "LocalHost", "LocalHostIPv6", "Any", "AnyIPv4", "AnyIPv6"]

CLASSES = [("L", "isLoopback"), ("G", "isGlobal"), ("K", "isLinkLocal"), ("S", "isSiteLocal"),
           ("U", "isUniqueLocalUnicast"), ("M", "isMulticast"), ("B", "isBroadcast")]

IPV4 = """
0.0.0.0 0.0.0.1 0.1.2.3 0.255.255.255 1.0.0.0 1.2.3.4 10.0.0.1 10.255.255.255 100.64.0.1
126.255.255.255 127.0.0.0 127.0.0.1 127.0.0.2 127.255.255.255 128.0.0.0 169.253.255.255 169.254.0.0
169.254.255.255 169.255.0.0 172.16.0.1 192.0.2.1 192.168.0.1 198.51.100.7 203.0.113.9
223.255.255.255 224.0.0.0 224.0.0.1 239.255.255.255 240.0.0.0 255.0.0.0 255.255.255.254
255.255.255.255
0 1 255 256 65535 16777216 4294967295 4294967296 2130706433 18446744073709551615
18446744073709551616 99999999999999999999999
1.2 1.2.3 127.1 127.65535 127.65536 127.16777215 127.16777216 1.2.65535 1.2.65536 123.0.0 123.0.0.
1.2.3.4. 1.2.3.4.5 .1.2.3 1..2 1.2..4 . .. ... 1. 1.2. 256.1.1.1 1.256.1.1 1.1.1.256 300.1.1.1
-1 -0 1.-1 1.2.3.-4 +1 +1.+2.+3.+4 ++1 +-1 +
0x7f.1 0X7F.1 0x7f000001 0xffffffff 0x100000000 0x 0x. 0x.1 1.0x 0xg 0x1g 1.2.3.0xff 1.2.3.0x100
010.1 0177.0.0.1 08 09.1 0377 0400 00 000.000.000.000 00000000000000000001 037777777777 040000000000
1.2.3.04 1.2.3.0400 0b1.1 1e1 1a 1.2.3.4a a1.2.3.4 1,2 1.2.3.4/8 1.2.3.4:80 1.2.3.4%eth0 [1.2.3.4]
localhost example.com junk
""".split()

IPV6 = """
:: ::0 ::1 ::2 ::f ::ff ::100 ::ffff ::1:0 ::1:1 ::ffff:ffff ::1:0:0 ::0.0.0.0 ::0.0.0.1 ::0.0.1.0
::1.2.3.4 ::13.1.68.3 ::ffff:0:0 ::ffff:0.0.0.0 ::ffff:0.0.0.1 ::ffff:1.2.3.4 ::ffff:10.0.0.1
::ffff:127.0.0.1 ::ffff:127.1.2.3 ::ffff:169.254.1.1 ::ffff:224.0.0.1 ::ffff:240.0.0.1
::ffff:255.255.255.255 ::ffff:7f00:1 ::fffe:1.2.3.4 ::1:ffff:1.2.3.4 1::ffff:1.2.3.4
1::ffff:129.144.52.38 ::ffff:0:1.2.3.4 64:ff9b::1.2.3.4 1:2:3:4:5:6:1.2.3.4 1:2:3:4:5::1.2.3.4
1:2:3:4:5:6::1.2.3.4 1:2:3:4:5:6:7:1.2.3.4 ::1:2:3:4:5:1.2.3.4 ::1:2:3:4:5:6:1.2.3.4 0::1.2.3.4
1:2:3:4:5:6:7:8 0:0:0:0:0:0:0:0 0:0:0:0:0:0:0:1 ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff
FEDC:BA98:7654:3210:FEDC:BA98:7654:3210 fedc:ba98:7654:3210:fedc:ba98:7654:3210
1080:0:0:0:8:800:200C:417A 1080::8:800:200c:417a 1080:0:0:0:8:0:0:0 1080::8:0:0:0 0:0:0:1:0:0:0:1
1:0:0:0:1:0:0:0 1:0:0:2:0:0:3:4 1:0:2:0:3:0:4:0 0:1:2:3:4:5:6:7 1:2:3:4:5:6:7:0 0:0:1:2:3:4:5:6
1:2:3:4:5:6:0:0 1:0:0:0:0:0:0:0 0:0:0:0:0:0:1:0 2001:DB8:0:0:0:0:0:1 2001:db8::1 2001:0db8::0001
1:: 1:2:: 1:2:3:: 1:2:3:4:: 1:2:3:4:5:: 1:2:3:4:5:6:: 1:2:3:4:5:6:7:: 1:2:3:4:5:6:7:8::
::2 ::2:3 ::2:3:4 ::2:3:4:5 ::2:3:4:5:6 ::2:3:4:5:6:7 ::2:3:4:5:6:7:8 ::1:2:3:4:5:6:7:8
1::8 1:2::8 1::7:8 1:2:3::6:7:8 1:2:3::5:6:7:8 1:2:3:4::5:6:7:8 1::2:3:4:5:6:7 1::2:3:4:5:6:7:8
1:2:3:4:5:6:7:8: 1:2:3:4:5:6:7:8:9 :1:2:3:4:5:6:7:8 :1 1: : ::: :::: 1::: :::1 1:::2 1::2::3 ::1::
1:2:3:4:5:6:7 1:2:3:4:5:6:7: 1:2 1:2:3 :1:2:3:4:5:6:7 1:2:3:4:5:6:::  ::2:3:4:5:6:7: 1:2:3:4:5:6:7:::
1:2:3:4:5:6:7:8:junk 1:2:3:4:5:6:7:8:junk:: 1:2:3:4:5:6:7:8:j:k:: 1:2:3:4:5:6:7:8.::
12345:: ::12345 ::00001 ::0001 ::g ::G g:: ::fffff ::-1 ::-0 ::+1 ::+123 ::+1234 ::+ ::0x1 ::0X1 ::0x12
::0x123 ::0x 0x1:: 1:0x:: ::+0x1 ::1.2.3 ::1.2.3.4.5 ::1.2.3.256 ::1.2.3.04 ::01.2.3.4 ::0.2.3.4
::00.2.3.4 ::0x1.2.3.4 ::1.0x2.3.4 ::+1.2.3.4 ::1.+2.3.4 ::1.2.3. ::1.2..4 ::.1.2.3 ::256.1.1.1
::1234.1.1.1 ::a.1.1.1 ::1.a.1.1 1.2.3.4:: 1.2.3.4::1 ::1.2.3.4:5 1::1.2.3.4 ::ffff:1.2.3.4:1
fc00:: fcff::1 fd00::1 fdff:ffff:ffff:ffff:ffff:ffff:ffff:ffff fe00::1 fe7f::1 fe80:: fe80::1 febf::1
fec0:: fec0::1 feff::1 ff00:: ff02::1 ff0e::1 ffff::1 fb00::1 100:: 0:1:: 0:0:0:1:: 2000::1 3ffe::1
0000:0000:0000:0000:0000:0000:0000:0001 [::1] ::1/64 ::1]
fe80::1%eth0 fe80::1%lo fe80::1%1 fe80::1% fe80::1%% fe80::1%a%b fe80::1%: fe80::1%::1 ::%eth0 ::1%lo
::ffff:1.2.3.4%lo 2001:db8::1%25 %eth0 %:: : %: :% :%: 1%2::3 fe80%1::1 fe80:1%eth0 1.2.3.4%: fe80::1%[x]
fe80::1%\xe9t\xe9
""".split()

SPACED = [
    "", " ", "\t\n", " 255.3.2.1", "255.3.2.1\r ", "\n1.2.3.4\n", "1. 2.3.4", "1.  2.3.4", "1.\t2.3.4", "1 .2.3.4",
    "1 2", "1.2.3 4", "1.2.3.4 x", "1.2.3.4 5", "+ 1", " +1", "0 x1", "- 1", "1.2.3. ", "1. .2", "\x0b1", "\x0c1",
    "\x1c1", "\x1f1", "\x851", "\xa01.2.3.4\xa0", "\u16801", "\u180e1", "\u20001", "\u20031.\u20032", "\u200b1",
    "\u20281", "\u20291", "\u202f1", "\u205f1", "\u30001", "\x7f1", "\u0661.2.3.4", "\uff11.2.3.4",
    " ::1", "::1 ", "\t::1\r\n", ": :1", ":: 1", "::  1", ":: 123", ":: 1234", "::\t 123", "1 ::", "1: :", "1:: ",
    "1:2:3:4:5:6:7: 8", "1: 2:3:4:5:6:7:8", ": :", ":: 1.2.3.4", "::1. 2.3.4", "::1. 02.3.4", ":: 01.2.3.4",
    "::\u20031", "::1\u20032", "::\u0661", "::\x7f", "1:2:3:4:5:6:7:8:\x7f::", "1:2:3:4:5:6:7:8:\xe9::",
    "1:2:3:4:5:6:7:8:\u2003::", "1:2:3:4:5:6:7:8: ::",
    "fe80::1% eth0", "fe80::1%  eth0 ", "fe80::1 %eth0", "fe80::1%a \t b", "fe80::1%a b", "fe80::1%\u2003a\u2003",
    "fe80::1% ", "fe80::1%\U0001f600", "fe80::1\xe9%a",
]

COMPARED = ["@" + name for name in SPECIAL] + """
1.2.3.4 127.0.0.2 10.0.0.1 ::1.2.3.4 ::ffff:1.2.3.4 ::ffff:127.0.0.1 ::127.0.0.1 ::ffff:0.0.0.0
::ffff:255.255.255.255 ::0.0.0.2 1::2 fe80::1 fe80::1%eth0 fe80::1%lo ::%lo ::1%lo
::ffff:1.2.3.4%lo junk
""".split()

WITHIN = [
    ("", "", 0), ("", "0.0.0.0", 0), ("0.0.0.0", "", 0), ("", "", -1), ("@Any", "@Any", 0), ("@Any", "0.0.0.0", 0),
    ("0.0.0.0", "@Any", 0), ("::", "@Any", 0), ("@Any", "::", 0),
    ("1.2.3.4", "::ffff:1.2.3.4", 0), ("::ffff:1.2.3.4", "1.2.3.4", 32), ("::ffff:1.2.3.4", "::ffff:1.2.0.0", 112),
    ("fe80::1%lo", "fe80::%eth0", 64), ("fe80::1%lo", "fe80::", 64),
]
NETMASKS = [-2147483648, -1, 0, 1, 7, 8, 9, 15, 16, 17, 23, 24, 25, 30, 31, 32, 33, 63, 64, 65, 100, 127, 128, 129,
            255, 2147483647]
NEIGHBOURS = [("192.168.1.77", "192.168.1.64"), ("192.168.1.77", "192.168.1.77"), ("10.1.2.3", "10.129.2.3"),
              ("10.0.0.1", "138.0.0.1"), ("0.0.0.0", "255.255.255.255"), ("2001:db8:1::1", "2001:db8:1::2"),
              ("2001:db8:1::1", "2001:db8:1::1"), ("2001:db8::", "2001:db8:8000::"), ("::", "8000::")]

SUBNETS = """
junk 1 10 10. 10.0 10.0. 172.16 172.16. 192.168.0 192.168.0. 192.168.1.2 192.168.1.2. 1.2.3.4.5 . .. 1.. .1 1..2
256 1.256 1.2.3.256 -1 +10 010 0x10 1a 10/8 10./8 10.1/8 10.1.2.3/8 10.1.2.3/9 10.1.2.3/0 10.1.2.3/1 10.1.2.3/7
10.1.2.3/31 10.1.2.3/32 10.1.2.3/33 10.1.2.3/-1 10.1.2.3/-0 10.1.2.3/+8 10.1.2.3/08 10.1.2.3/0x8 10.1.2.3/
10.1.2.3/a 10.1.2.3/8/8 10.1.2.3/128 10/99999999999 10/4294967296 0/0 0.0.0.0/0 /8 /0 / //
255.255.255.255/17 255.255.255.255/255.255.128.0 255.255.255.255/255.255.254.0
10.1.2.3/255.0.0.0 10.1.2.3/255.128.0.0 10.1.2.3/255.255.255.255 10.1.2.3/0.0.0.0 10.1.2.3/255.0.255.0
10.1.2.3/0.255.0.0 10.1.2.3/255.1.0.0 10.1.2.3/255.0 10.1.2.3/255. 10.1.2.3/.255 10.1.2.3/255.16776960
10.1.2.3/0xff.0 10.1.2.3/256.0.0.0 10.1.2.3/255.255.0.1 10.1.2.3/127.0.0.0 10.1.2.3/1.5 10.1.2.3/ffff::0.0.0.0
10.1.2.3/::0.0.0.0 10.1.2.3/ffff:ffff:8000::0.0.0.0 10.1.2.3/ff00:0:1::0.0.0.0 10.1.2.3/ffff::
:: ::1 ::/0 ::1/0 ::1/128 ::1/129 ::1/127 ::1/-1 ::1/a ::1/ ::1/+64 ::1/255.0.0.0 ::1/ffff:: fe80::1/10
fe80::1/64 fe80::1%eth0 fe80::1%eth0/64 fe80::1%e/x/64 ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff/63
ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff/1 ::ffff:1.2.3.4 ::ffff:1.2.3.4/104 ::1.2.3.4/120 2001:db8::/32 1:2/16
:/0 1.2.3.4:/8 ::1/4294967296 10:0/8
""".split() + ["", " ", " 10", "10 ", "1 .2", "1. 2", "1 2", "10/ 8", "10/8 ", "10 /8", "10/8 8", " ::1/64", "::1 /64",
               "::1/ 64", "\u0661/8", "10/\u0668", "1\xa0.2", "10/255.0.0.0 ", "10/ 255. 0", "10/1,0", "1,0/8", "10/\u22121"]


def random_texts(count, seed):
    """Texts that are nearly addresses: known ones with a few places changed."""
    rng = random.Random(seed)
    seeds = [(IPV4 + SPACED, False), (IPV6, False), (SUBNETS, True)]
    pieces = list("0123456789abcdefx:.%/ +-\tXFg") + ["::", "255", "0x", ":0:", ".0.", "%e", "\u2003", "\xe9", "/8"]
    for _ in range(count):
        texts, is_subnet = rng.choice(seeds)
        text = list(rng.choice(texts))
        for _ in range(rng.randint(1, 5)):
            at = rng.randint(0, len(text))
            text[at:at + rng.randint(0, 2)] = [rng.choice(pieces)] * rng.randint(0, 2)
        yield "".join(text), is_subnet


def escaped(text):
    return text.encode("unicode_escape").decode("ascii")


def address(token):
    return QHostAddress(getattr(QHostAddress, token[1:])) if token.startswith("@") else QHostAddress(token)


# PySide2 has no overload left for `ok`.
to_ipv4 = ctypes.CDLL("libQt5Network.so.5")._ZNK12QHostAddress13toIPv4AddressEPb
to_ipv4.restype = ctypes.c_uint32
to_ipv4.argtypes = [ctypes.c_void_p, ctypes.c_void_p]


def ipv4(value):
    ok = ctypes.c_bool()
    bits = to_ipv4(shiboken2.getCppPointer(value)[0], ctypes.byref(ok))
    return str(bits) if ok.value else "-"


def protocol(value):
    return {QAbstractSocket.IPv4Protocol: "IPv4", QAbstractSocket.IPv6Protocol: "IPv6",
            QAbstractSocket.AnyIPProtocol: "AnyIP",
            QAbstractSocket.UnknownNetworkLayerProtocol: "Unknown"}[value.protocol()]


def row(*fields):
    print("\t".join(fields))


def boolean(value):
    return "true" if value else "false"


def address_row(token):
    value = address(token)
    parses = QHostAddress().setAddress(token) if not token.startswith("@") else not value.isNull()
    v6 = value.toIPv6Address()
    row("address", escaped(token), boolean(parses), escaped(value.toString()), protocol(value),
        escaped(value.scopeId()), ipv4(value), "".join("%02x" % v6[i] for i in range(16)),
        "".join(letter for letter, method in CLASSES if getattr(value, method)()))


def equal_row(left, right):
    a, b = address(left), address(right)
    modes = [QHostAddress.ConversionMode(mode) for mode in [*range(16), 255]]
    bits = sum(1 << bit for bit, mode in enumerate(modes) if a.isEqual(b, mode))
    row("equal", left, right, boolean(a == b), "%x" % bits)


def within_row(token, subnet, netmask):
    row("within", token, subnet, str(netmask), boolean(address(token).isInSubnet(address(subnet), netmask)))


def subnet_row(text):
    network, prefix = QHostAddress.parseSubnet(text)
    if prefix == -1:
        row("subnet", escaped(text), "-", "-")
    else:
        row("subnet", escaped(text), escaped(network.toString()), str(prefix))


def main():
    print("# What QHostAddress of Qt %s answers. Made by goldens.py, which explains it." % PySide2.__version__)
    for name in SPECIAL:
        address_row("@" + name)
    for text in IPV4 + IPV6 + SPACED:
        address_row(text)
    for left in COMPARED:
        for right in COMPARED:
            equal_row(left, right)
    for token, subnet, netmask in WITHIN:
        within_row(token, subnet, netmask)
    for left, right in NEIGHBOURS:
        for netmask in NETMASKS:
            within_row(left, right, netmask)
    for text in SUBNETS:
        subnet_row(text)
    if len(sys.argv) == 3:
        for text, is_subnet in random_texts(int(sys.argv[1]), int(sys.argv[2])):
            (subnet_row if is_subnet else address_row)(text)


main()
