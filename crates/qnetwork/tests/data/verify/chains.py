#!/usr/bin/python3
"""Makes chains of certificates, about one for each rule of a verifier, and records what OpenSSL and Qt say of them.

    /usr/bin/python3 chains.py > chains.tsv

It needs PySide2 5.15, python3-cryptography and OpenSSL 3. Every run makes the same certificates: keys come from their names, and
signatures take no random numbers. Lines, fields parted by tabs:

    certificate NAME BASE64
    case NAME RULE PURPOSE HOST DEPTH CHAIN TRUSTED OPENSSL QT
        RULE: `good` or `bad`, by RFC 5280 and RFC 6125. CHAIN and TRUSTED: names, parted by commas. OPENSSL: as openssl.py
        says it, at the time NOW. QT: the errors of QSslCertificate::verify, which has no purpose and no depth; `null` if Qt
        cannot read a certificate, `-` if it was not asked.
"""

import base64
import functools
import hashlib
import ipaddress
import random

from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, padding, rsa
from PySide2.QtCore import QCoreApplication
from PySide2.QtNetwork import QSsl, QSslCertificate, QSslConfiguration

import openssl
from der import CN, NULL, O, OU, extension, name, oid, rdn, sequence, text, tlv

application = QCoreApplication([])
NOW = 1_782_000_000
HOST = "www.example.com"


# ---- keys and signatures

CURVES = {"p256": (ec.SECP256R1(), 0xffffffff00000000ffffffffffffffffbce6faada7179e84f3b9cac2fc632551),
          "p384": (ec.SECP384R1(), (1 << 384) - 0x389cb27e0bc8d220a7e5f24db74f58851313e695333ad68d),
          "p521": (ec.SECP521R1(), 0x1fffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffa51868783bf2f966b7fcc0148f709a5d03bb5c9b8899c47aebb6fb71e91386409),
          "secp256k1": (ec.SECP256K1(), (1 << 256) - 0x14551231950b75fc4402da1732fc9bebf),
          "p192": (ec.SECP192R1(), 0xffffffffffffffffffffffff99def836146bc9b1b4d22831)}


def number(*parts):
    return int.from_bytes(hashlib.sha512("/".join(map(str, parts)).encode()).digest() * 2, "big")


def is_prime(candidate):
    odd, twos = candidate - 1, 0
    while odd % 2 == 0:
        odd, twos = odd // 2, twos + 1
    for base in range(2, 40):
        power = pow(base, odd, candidate)
        if power not in (1, candidate - 1) and all(pow(power, 1 << i, candidate) != candidate - 1 for i in range(twos)):
            return False
    return True


def prime(bits, digits):
    while True:
        candidate = digits.getrandbits(bits) | 3 << bits - 2 | 1
        if pow(2, candidate - 1, candidate) == 1 and candidate % 65537 != 1 and is_prime(candidate):
            return candidate


@functools.lru_cache(None)
def key(label):
    """The key of this name: `KIND` or `KIND-WHOSE`."""
    kind = label.split("-")[0]
    if kind in CURVES:
        curve, order = CURVES[kind]
        return ec.derive_private_key(number(label) % (order - 1) + 1, curve)
    if kind == "ed25519":
        return ed25519.Ed25519PrivateKey.from_private_bytes(hashlib.sha256(label.encode()).digest())
    digits = random.Random(label)
    bits = int(kind[3:])
    p, q = prime(bits // 2, digits), prime(bits // 2, digits)
    d = pow(65537, -1, (p - 1) * (q - 1))
    public = rsa.RSAPublicNumbers(65537, p * q)
    return rsa.RSAPrivateNumbers(p, q, d, rsa.rsa_crt_dmp1(d, p), rsa.rsa_crt_dmq1(d, q), rsa.rsa_crt_iqmp(p, q), public).private_key()


def integer(value):
    return tlv(2, value.to_bytes(value.bit_length() // 8 + 1, "big"))


def sign_ecdsa(label, digest, signed):
    order = CURVES[label.split("-")[0]][1]
    hashed = hashlib.new(digest, signed).digest()
    excess = max(0, len(hashed) * 8 - order.bit_length())
    secret = number(label, hashed.hex()) % (order - 1) + 1
    r = ec.derive_private_key(secret, key(label).curve).public_key().public_numbers().x % order
    d = key(label).private_numbers().private_value
    s = pow(secret, -1, order) * ((int.from_bytes(hashed, "big") >> excess) + r * d) % order
    return sequence(integer(r), integer(s))


def sign_pss(label, digest, salt_length, signed):
    numbers = key(label).private_numbers()
    modulus = numbers.public_numbers.n
    length, size = (modulus.bit_length() + 6) // 8, hashlib.new(digest).digest_size
    salt = hashlib.sha512(signed).digest()[:salt_length]
    hashed = hashlib.new(digest, bytes(8) + hashlib.new(digest, signed).digest() + salt).digest()
    block = bytes(length - size - salt_length - 2) + b"\1" + salt
    mask = b"".join(hashlib.new(digest, hashed + i.to_bytes(4, "big")).digest() for i in range(len(block) // size + 1))
    masked = bytearray(a ^ b for a, b in zip(block, mask))
    masked[0] &= 0xff >> 8 * length - modulus.bit_length() + 1
    return pow(int.from_bytes(masked + hashed + b"\xbc", "big"), numbers.d, modulus).to_bytes(length, "big")


def pss(digest, salt_length):
    hash_oid = {"sha256": "2.16.840.1.101.3.4.2.1"}[digest]
    hashed = sequence(oid(hash_oid), NULL)
    parameters = sequence(tlv(0xA0, hashed), tlv(0xA1, sequence(oid("1.2.840.113549.1.1.8"), hashed)), tlv(0xA2, integer(salt_length)))
    return (sequence(oid("1.2.840.113549.1.1.10"), parameters), lambda label, signed: sign_pss(label, digest, salt_length, signed))


def ecdsa(digest, kind):
    return (sequence(oid(kind)), lambda label, signed: sign_ecdsa(label, digest, signed))


def pkcs1(digest, kind):
    return (sequence(oid(kind), NULL), lambda label, signed: key(label).sign(signed, padding.PKCS1v15(), digest))


ALGORITHMS = {
    "ecdsa-sha1": ecdsa("sha1", "1.2.840.10045.4.1"), "ecdsa-sha224": ecdsa("sha224", "1.2.840.10045.4.3.1"),
    "ecdsa-sha256": ecdsa("sha256", "1.2.840.10045.4.3.2"), "ecdsa-sha384": ecdsa("sha384", "1.2.840.10045.4.3.3"),
    "ecdsa-unknown": ecdsa("sha256", "1.2.840.10045.4.9"),
    "ecdsa-sha512": ecdsa("sha512", "1.2.840.10045.4.3.4"), "rsa-md5": pkcs1(hashes.MD5(), "1.2.840.113549.1.1.4"),
    "rsa-sha1": pkcs1(hashes.SHA1(), "1.2.840.113549.1.1.5"), "rsa-sha256": pkcs1(hashes.SHA256(), "1.2.840.113549.1.1.11"),
    "rsa-sha384": pkcs1(hashes.SHA384(), "1.2.840.113549.1.1.12"), "rsa-sha512": pkcs1(hashes.SHA512(), "1.2.840.113549.1.1.13"),
    "pss-32": pss("sha256", 32), "pss-0": pss("sha256", 0), "pss-20": pss("sha256", 20),
    "ed25519": (sequence(oid("1.3.101.112")), lambda label, signed: key(label).sign(signed)),
}


def usual_algorithm(label):
    kind = label.split("-")[0]
    if kind in CURVES:
        return "ecdsa-sha" + {"p384": "384", "p521": "512"}.get(kind, "256")
    return "ed25519" if kind == "ed25519" else "rsa-sha256"


# ---- extensions

def basic(is_ca=True, length=None, critical=True):
    parts = [tlv(1, b"\xff")] if is_ca else []
    return extension("2.5.29.19", sequence(*parts, *([] if length is None else [integer(length)])), critical)


USES = ["digitalSignature", "nonRepudiation", "keyEncipherment", "dataEncipherment", "keyAgreement", "keyCertSign", "cRLSign"]


def usage(*names, critical=True):
    bits = sum(0x80 >> USES.index(one) for one in names)
    unused = (bits & -bits).bit_length() - 1 if bits else 0
    return extension("2.5.29.15", tlv(3, bytes([unused, bits])), critical)


EXTENDED = {"server": "1.3.6.1.5.5.7.3.1", "client": "1.3.6.1.5.5.7.3.2", "code": "1.3.6.1.5.5.7.3.3", "mail": "1.3.6.1.5.5.7.3.4",
            "any": "2.5.29.37.0", "gated": "1.3.6.1.4.1.311.10.3.3", "netscape gated": "2.16.840.1.113730.4.1"}


def extended(*names, critical=False):
    return extension("2.5.29.37", sequence(*[oid(EXTENDED[one]) for one in names]), critical)


def dns(value):
    return tlv(0x82, value if isinstance(value, bytes) else value.encode())


def mail(value):
    return tlv(0x81, value.encode())


def uri(value):
    return tlv(0x86, value.encode())


def ip(value):
    if "/" in value:
        network = ipaddress.ip_network(value)
        return tlv(0x87, network.network_address.packed + network.netmask.packed)
    return tlv(0x87, ipaddress.ip_address(value).packed)


def directory(*pairs):
    return tlv(0xA4, name(*[rdn(pair) for pair in pairs]))


def smtp(value):
    return tlv(0xA0, oid("1.3.6.1.5.5.7.8.9"), tlv(0xA0, text(value)))


OTHER, REGISTERED = tlv(0xA0, oid("1.2.3"), tlv(0xA0, text("x"))), tlv(0x88, b"\x2a\3")


def alternative(*names, critical=False):
    return extension("2.5.29.17", sequence(*names), critical)


def limits(permitted=(), excluded=(), critical=True):
    def trees(tag, names):
        return tlv(tag, *[sequence(*one) if isinstance(one, tuple) else sequence(one) for one in names]) if names else b""
    return extension("2.5.29.30", sequence(trees(0xA0, permitted), trees(0xA1, excluded)), critical)


def key_id(value):
    return extension("2.5.29.14", tlv(4, value))


def issuer_id(key=None, issuer=None, serial=None):
    parts = [] if key is None else [tlv(0x80, key)]
    parts += [] if issuer is None else [tlv(0xA1, tlv(0xA4, issuer)), tlv(0x82, bytes([serial]))]
    return extension("2.5.29.35", sequence(*parts))


# ---- certificates

def time(value):
    return tlv(0x17 if len(value) == 13 else 0x18, value.encode())


USUAL_DATES = ("200101000000Z", "21200101000000Z")
PAST, FUTURE = ("200101000000Z", "210101000000Z"), ("21000101000000Z", "21200101000000Z")
NAMES = {label: name(rdn((O, "Example")), rdn((CN, label.capitalize()))) for label in ("root", "mid", "low", "other")}
LEAF = name(rdn((CN, "An Example")))


def make(subject, issuer, key_label, signer, extensions=(), dates=USUAL_DATES, version=2, serial=b"\1", algorithm=None,
         outer_algorithm=None, spoil=None, key_info=None, after=b""):
    algorithm_id, sign = ALGORITHMS[algorithm or usual_algorithm(signer)]
    outer = ALGORITHMS[outer_algorithm][0] if outer_algorithm else algorithm_id
    info = key_info or key(key_label).public_key().public_bytes(serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo)
    signed = sequence(tlv(0xA0, tlv(2, bytes([version]))) if version else b"", tlv(2, serial), algorithm_id, issuer,
                      sequence(*map(time, dates)), subject, info, tlv(0xA3, sequence(*extensions)) if extensions else b"")
    signature = sign(signer, signed)
    if spoil is not None:
        signature = spoil(signature)
    return sequence(signed, outer, tlv(3, b"\0", signature), after)


def root(extensions=(basic(), usage("keyCertSign", "cRLSign")), subject=NAMES["root"], key="p256-root", **how):
    return make(subject, how.pop("issuer", subject), key, how.pop("signer", key), extensions, **how)


def mid(extensions=(basic(), usage("keyCertSign", "cRLSign")), add=(), subject=NAMES["mid"], issuer=NAMES["root"], key="p256-mid",
        signer="p256-root", **how):
    return make(subject, issuer, key, signer, [*extensions, *add], **how)


def low(**how):
    """An authority below `mid`."""
    return mid(**{"subject": NAMES["low"], "issuer": NAMES["mid"], "key": "p256-low", "signer": "p256-mid", **how})


def leaf(add=(), names=(dns(HOST),), extensions=None, subject=LEAF, issuer=NAMES["mid"], key="p256-leaf", signer="p256-mid", **how):
    if extensions is None:
        extensions = [alternative(*names)] if names else []
    return make(subject, issuer, key, signer, [*extensions, *add], **how)


# ---- recording

made = {}
labels = set()


def register(label, der):
    if der not in made:
        made[der] = label
        print("certificate", label, base64.b64encode(der).decode(), sep="\t")
    return made[der]


def case(label, rule, chain, trusted=None, purpose="server", host=HOST, depth=0, ask_qt=True):
    label = label.replace(",", "").replace(" ", "-")
    assert label not in labels, label
    labels.add(label)
    trusted = [root()] if trusted is None else trusted
    chain_names = [register(f"{label}/{place}", der) for place, der in enumerate(chain)]
    trusted_names = [register(f"{label}/root{place or ''}", der) for place, der in enumerate(trusted)]
    found = openssl.verify(purpose, NOW, host.encode("idna").decode(), chain, trusted, depth)
    qt = say_qt(chain, trusted, host) if ask_qt and not depth else "-"
    print("case", label, rule, purpose, host, depth, ",".join(chain_names), ",".join(trusted_names), found, qt, sep="\t")


def say_qt(chain, trusted, host):
    configuration = QSslConfiguration.defaultConfiguration()
    configuration.setCaCertificates([QSslCertificate(der, QSsl.Der) for der in trusted])
    QSslConfiguration.setDefaultConfiguration(configuration)
    loaded = [QSslCertificate(der, QSsl.Der) for der in chain]
    if any(one.isNull() for one in loaded):
        return "null"

    def place(error):
        places = [index for index, one in enumerate(loaded) if one == error.certificate()]
        return places[0] if places else "-"

    return " ".join(f"{str(error.error()).split('.')[-1]}@{place(error)}" for error in QSslCertificate.verify(loaded, host))


def in_leaf(label, rule, host=HOST, purpose="server", **how):
    case(f"leaf {label}", rule, [leaf(**how), mid()], host=host, purpose=purpose)


def in_mid(label, rule, below=None, host=HOST, purpose="server", **how):
    case(f"mid {label}", rule, [below or leaf(), mid(**how)], host=host, purpose=purpose)


def in_root(label, rule, **how):
    """The leaf's issuer is signed by a root that differs from the usual one."""
    key = how.get("key", "p256-root")
    case(f"root {label}", rule, [leaf(), mid(signer=key)], [root(**how)])


# ---- which path there is

case("path of one", "good", [root([alternative(dns(HOST)), basic()])], [root([alternative(dns(HOST)), basic()])])
case("path of one untrusted", "bad", [root([alternative(dns(HOST))], subject=LEAF)], [root()])
case("path of two", "good", [leaf(issuer=NAMES["root"], signer="p256-root")])
case("path of three", "good", [leaf(), mid()])
low_leaf = leaf(issuer=NAMES["low"], signer="p256-low")
case("path of four", "good", [low_leaf, low(), mid()])
case("path in another order", "good", [low_leaf, mid(), low()])
case("path with the root", "good", [leaf(), mid(), root()])
case("path with a stranger", "good", [leaf(), root(subject=NAMES["other"]), mid()])
case("path sent twice", "good", [leaf(), leaf(), mid(), mid()])
case("path that misses one", "bad", [low_leaf, mid()])
case("path to nobody", "bad", [leaf(), mid()], [])
case("path to another root", "bad", [leaf(), mid()], [root(subject=NAMES["other"])])
case("path to a root of another key", "bad", [leaf(), mid()], [root(key="p256-other")])
case("path to an authority that is no root", "bad", [leaf()], [mid()])
case("path by a trusted authority", "good", [leaf()], [mid(), root()])
cross_root = root(issuer=NAMES["other"], signer="p256-other")
case("cross-signed root, both trusted", "good", [leaf(), mid(), cross_root], [root(), root(subject=NAMES["other"], key="p256-other")])
case("cross-signed root, the other one trusted", "good", [leaf(), mid(), cross_root], [root(subject=NAMES["other"], key="p256-other")])
case("cross-signed root that has expired", "good", [leaf(), mid(), root(issuer=NAMES["other"], signer="p256-other", dates=PAST)], [root()])
case("cross-signed authority, one expired", "good", [leaf(), mid(dates=PAST), mid()])
case("cross-signed authority, one with a wrong key", "good", [leaf(), mid(key="p256-other"), mid()])
case("cross-signed authority, one that may not", "good", [leaf(), mid([basic(False)]), mid()])
case("cross-signed authority, one limited", "good", [leaf(), mid(add=[limits([dns("example.org")])]), mid()])
case("cross-signed authority, each with a fault", "bad", [leaf(), mid(dates=PAST), mid([basic(False)])])
case("names in another case", "good", [leaf(issuer=name(rdn((O, "EXAMPLE")), rdn((CN, "mid")))), mid()])
case("names in another order", "bad", [leaf(issuer=name(rdn((CN, "Mid")), rdn((O, "Example")))), mid()])
for depth in (1, 2):
    case(f"depth {depth} for one authority", "good", [leaf(), mid()], depth=depth)
    case(f"depth {depth} for two authorities", "bad" if depth == 1 else "good", [low_leaf, low(), mid()], depth=depth)

# Self-issued: an authority's new key, signed by its old one.
new_key = mid(subject=NAMES["mid"], issuer=NAMES["mid"], key="p256-new", signer="p256-mid")
case("self-issued authority", "good", [leaf(signer="p256-new"), new_key, mid()])
case("self-issued authority does not count", "good", [leaf(signer="p256-new"), new_key, mid([basic(length=0)])])
case("self-issued leaf", "good", [leaf(subject=NAMES["mid"]), mid([basic(length=0)])])
case("self-issued authority is not limited", "good", [leaf(signer="p256-new", subject=name()), new_key, mid(add=[limits([directory((O, "Other"))])])])

# Identifiers of keys.
case("key id", "good", [leaf([issuer_id(b"mid")]), mid(add=[key_id(b"mid")])])
case("key id of another", "bad", [leaf([issuer_id(b"other")]), mid(add=[key_id(b"mid")])])
case("key id that the issuer has not", "good", [leaf([issuer_id(b"mid")]), mid()])
case("key id by issuer", "good", [leaf([issuer_id(None, NAMES["root"], 1)]), mid()])
case("key id by another issuer", "bad", [leaf([issuer_id(None, NAMES["other"], 1)]), mid()])
case("key id by another number", "bad", [leaf([issuer_id(None, NAMES["root"], 2)]), mid()])
case("key id chooses", "good", [leaf([issuer_id(b"mid")]), mid(key="p256-other", add=[key_id(b"other")]), mid(add=[key_id(b"mid")])])

# ---- who may issue

for length, rule in ((0, "bad"), (1, "good"), (2, "good")):
    case(f"path length {length} with one below", rule, [low_leaf, low(), mid([basic(length=length)])])
    case(f"path length {length} of the root", rule, [leaf(), mid()], [root([basic(length=length)])])
case("path length 0", "good", [leaf(), mid([basic(length=0)])])
case("path length 0 of the root and no other", "good", [leaf(issuer=NAMES["root"], signer="p256-root")], [root([basic(length=0)])])
case("path length that grows", "bad", [low_leaf, low(extensions=[basic(length=5)]), mid([basic(length=0)])])
case("path length of 2^40", "good", [leaf(), mid([basic(length=1 << 40)])])
in_mid("path length below 0", "bad", extensions=[extension("2.5.29.19", sequence(tlv(1, b"\xff"), tlv(2, b"\xff")), True)])
in_mid("path length and no authority", "bad", extensions=[basic(False, 1)])
in_mid("no basic constraints", "bad", extensions=[])
in_mid("no basic constraints but a key usage", "bad", extensions=[usage("keyCertSign")])
in_mid("no authority", "bad", extensions=[basic(False)])
in_mid("basic constraints not critical", "good", extensions=[basic(critical=False)])
in_mid("basic constraints twice", "bad", extensions=[basic(), basic()])
in_mid("basic constraints garbage", "bad", extensions=[extension("2.5.29.19", b"\4\0", True)])
in_root("no basic constraints", "good", extensions=[key_id(b"root")])
in_root("no authority", "bad", extensions=[basic(False)])
in_leaf("is an authority", "good", add=[basic()])
in_leaf("path length", "bad", add=[basic(False, 0)])
case("leaf issues", "bad", [leaf(issuer=LEAF, signer="p256-leaf", subject=name(rdn((CN, "Below")))), leaf(), mid()])

in_mid("key usage without signing certificates", "bad", extensions=[basic(), usage("digitalSignature", "cRLSign")])
in_mid("no key usage", "good", extensions=[basic()])
in_mid("key usage of no bits", "bad", extensions=[basic(), usage()])
in_mid("key usage in padding", "bad", extensions=[basic(), extension("2.5.29.15", b"\3\2\7\x84", True)])
in_root("key usage without signing certificates", "bad", extensions=[basic(), usage("cRLSign")])
for uses, rule in ((("digitalSignature",), "good"), (("keyEncipherment",), "good"), (("keyAgreement",), "good"), (("nonRepudiation",), "bad"),
                   (("dataEncipherment",), "bad"), (("keyCertSign",), "bad"), ((), "bad")):
    in_leaf(f"key usage {' '.join(uses) or 'none'}", rule, add=[usage(*uses)])
in_leaf("key usage digitalSignature of a client", "good", add=[usage("digitalSignature")], purpose="client", host="")
in_leaf("key usage keyEncipherment of a client", "bad", add=[usage("keyEncipherment")], purpose="client", host="")

for uses, rule in ((("server",), "good"), (("client",), "bad"), (("any",), "good"), (("code", "server"), "good"), (("code", "mail"), "bad"),
                   (("gated",), "bad"), (("netscape gated",), "bad"), ((), "bad")):
    in_leaf(f"use {' '.join(uses) or 'none'}", rule, add=[extended(*uses)])
    in_mid(f"use {' '.join(uses) or 'none'}", rule, add=[extended(*uses)])
in_leaf("use critical", "good", add=[extended("server", critical=True)])
in_leaf("use client of a client", "good", add=[extended("client")], purpose="client", host="")
in_leaf("use server of a client", "bad", add=[extended("server")], purpose="client", host="")
in_leaf("use any of a client", "good", add=[extended("any")], purpose="client", host="")
in_mid("use server of a client", "bad", add=[extended("server")], purpose="client", host="")
in_root("use client", "good", extensions=[basic(), extended("client")])
for bits, rule in ((0x40, "good"), (0x80, "bad")):
    in_leaf(f"netscape type {bits:#x}", rule, add=[extension("2.16.840.1.113730.1.1", bytes([3, 2, 0, bits]))])

# ---- limits of names


def limited(label, rule, permitted=(), excluded=(), host=HOST, **how):
    case(f"limit {label}", rule, [leaf(**how), mid(add=[limits(permitted, excluded)])], host=host)


limited("host", "good", [dns("example.com")])
limited("host itself", "good", [dns(HOST)])
limited("host of another", "bad", [dns("example.org")])
limited("host like it", "bad", [dns("ample.com")])
limited("host below it", "bad", [dns("a.www.example.com")])
limited("host by one of two", "good", [dns("example.org"), dns("example.com")])
limited("host in capitals", "good", [dns("EXAMPLE.com")])
limited("host after a dot", "good", [dns(".example.com")])
limited("host after a dot, itself", "bad", [dns(".www.example.com")])
limited("host any", "good", [dns("")])
limited("host excluded", "bad", [], [dns("example.com")])
limited("host excluded, another", "good", [], [dns("example.org")])
limited("host excluded and permitted", "bad", [dns("com")], [dns("www.example.com")])
limited("host excluded, all", "bad", [], [dns("")])
limited("host by pattern", "good", [dns("example.com")], names=[dns("*.example.com")])
limited("host by pattern, excluded", "bad", [], [dns(HOST)], names=[dns("*.example.com")])
limited("host beside", "bad", [dns("example.com")], names=[dns(HOST), dns("www.example.org")])
limited("host by common name", "good", [dns("example.com")], names=(), subject=name(rdn((CN, HOST))))
limited("host by common name of another", "bad", [dns("example.org")], names=(), subject=name(rdn((CN, HOST))))
limited("host by common name beside names", "bad", [dns("example.org")], names=[dns("a.example.org")], subject=name(rdn((CN, HOST))))
limited("host, and there is none", "good", [dns("example.org")], names=[mail("me@example.com")], host="")
limited("address", "good", [ip("10.0.0.0/8")], names=[ip("10.1.2.3")], host="10.1.2.3")
limited("address of another", "bad", [ip("10.2.0.0/16")], names=[ip("10.1.2.3")], host="10.1.2.3")
limited("address excluded", "bad", [], [ip("10.0.0.0/8")], names=[ip("10.1.2.3")], host="10.1.2.3")
limited("address of version 6", "good", [ip("2001:db8::/32")], names=[ip("2001:db8::1")], host="2001:db8::1")
limited("address of version 6 of another", "bad", [ip("2001:db9::/32")], names=[ip("2001:db8::1")], host="2001:db8::1")
limited("address of the other version", "bad", [ip("2001:db8::/32")], names=[ip("10.1.2.3")], host="10.1.2.3")
limited("address without a mask", "bad", [ip("10.1.2.3")], names=[ip("10.1.2.3")], host="10.1.2.3")
limited("address of no length before a good one", "bad", [tlv(0x87, b"x" * 12), ip("10.0.0.0/8")], names=[dns(HOST), ip("10.1.2.3")])
limited("address and there is none", "good", [ip("10.0.0.0/8")])
for where in ("names", "subject"):
    def mailed(label, rule, base, address="me@example.com", tag=0x16):
        subject = name(rdn((CN, "x")), tlv(0x31, sequence(oid("1.2.840.113549.1.9.1"), tlv(tag, address.encode()))))
        how = {"names": [dns(HOST), mail(address)]} if where == "names" else {"subject": subject}
        limited(f"mail in {where} {label}", rule, [mail(base)], **how)
    mailed("host", "good", "example.com")
    mailed("of another host", "bad", "example.org")
    mailed("below a host", "bad", "example.com", "me@a.example.com")
    mailed("after a dot", "good", ".example.com", "me@a.example.com")
    mailed("whole", "good", "me@example.com")
    mailed("whole of another", "bad", "you@example.com")
    mailed("whole in capitals", "bad", "ME@example.com")
    mailed("no address", "bad", "example.com", "nobody")
    if where == "subject":
        mailed("as another text", "bad", "example.com", tag=0x0C)
        limited("mail in subject as another text, with limits of hosts alone", "bad", [dns("example.com")],
                subject=name(tlv(0x31, sequence(oid("1.2.840.113549.1.9.1"), text("me@example.com")))))
limited("mail excluded", "bad", [], [mail("example.com")], names=[dns(HOST), mail("me@example.com")])
limited("mail of other letters", "good", [mail("example.com")], names=[dns(HOST), smtp("m\u00e9@example.com")])
limited("mail of other letters of another", "bad", [mail("example.org")], names=[dns(HOST), smtp("m\u00e9@example.com")])
limited("mail of other letters excluded", "bad", [], [mail("example.com")], names=[dns(HOST), smtp("m\u00e9@example.com")])
limited("mail of a host in other letters", "good", [mail("xn--bcher-kva.example")], names=[dns(HOST), smtp("m\u00e9@b\u00fccher.example")])
limited("mail of a host in other letters, excluded", "bad", [], [mail("xn--bcher-kva.example")],
        names=[dns(HOST), smtp("m\u00e9@b\u00fccher.example")])
limited("mail of other letters after a dot", "good", [mail(".example.com")], names=[dns(HOST), smtp("m\u00e9@a.example.com")])
limited("mail of other letters that is none", "bad", [mail("example.com")], names=[dns(HOST), smtp("m\u00e9")])
limited("uri", "good", [uri("www.example.com")], names=[dns(HOST), uri("https://www.example.com/x")])
limited("uri after a dot", "good", [uri(".example.com")], names=[dns(HOST), uri("https://www.example.com:1/x")])
limited("uri of another", "bad", [uri(".example.org")], names=[dns(HOST), uri("https://www.example.com/x")])
limited("uri of a domain", "bad", [uri("example.com")], names=[dns(HOST), uri("https://www.example.com/x")])
limited("uri without a host", "bad", [uri(".example.com")], names=[dns(HOST), uri("mailto:me@www.example.com")])
limited("uri excluded", "bad", [], [uri(".example.com")], names=[dns(HOST), uri("https://www.example.com/x")])
IN_EXAMPLE = name(rdn((O, "Example")), rdn((CN, "x")))
limited("directory", "good", [directory((O, "Example"))], subject=IN_EXAMPLE)
limited("directory in capitals", "good", [directory((O, "EXAMPLE"))], subject=IN_EXAMPLE)
limited("directory of another", "bad", [directory((O, "Other"))], subject=IN_EXAMPLE)
limited("directory like it", "bad", [directory((O, "Exam"))], subject=IN_EXAMPLE)
limited("directory of two in one set", "bad", [directory((O, "Example"))], subject=name(rdn((O, "Example"), (OU, "x"))))
limited("directory excluded", "bad", [], [directory((O, "Example"))], subject=IN_EXAMPLE)
limited("directory among names", "bad", [directory((O, "Example"))], subject=IN_EXAMPLE, names=[dns(HOST), directory((O, "Other"))])
limited("directory for no subject", "good", [directory((O, "Other"))], subject=name())
limited("other name", "bad", [OTHER], names=[dns(HOST), OTHER])
limited("other name, and there is none", "good", [OTHER])
limited("registered id", "bad", [], [REGISTERED], names=[dns(HOST), REGISTERED])
limited("minimum", "bad", [(dns("example.com"), tlv(0x80, b"\1"))])
limited("maximum", "bad", [(dns("example.com"), tlv(0x81, b"\1"))])
limited("two bases", "bad", [(dns("example.com"), dns("example.org"))])
limited("base and null", "bad", [(dns("example.com"), NULL)])
limited("empty minimum", "bad", [(dns("example.com"), tlv(0x80))])
BITS = tlv(0xA4, name(tlv(0x31, sequence(oid(O), tlv(3, b"\x09x")))))
limited("directory of bad bits", "bad", [], [BITS])
in_leaf("own limits of two bases", "bad", add=[limits([(dns("example.com"), dns("example.com"))])])
in_leaf("own limits with bad bits", "bad", add=[limits([], [BITS])])
in_leaf("subject of bad bits", "bad", subject=name(tlv(0x31, sequence(oid(O), tlv(3, b"\x09x")))))
in_leaf("subject of bits", "good", subject=name(tlv(0x31, sequence(oid(O), tlv(3, b"\0x")))))
in_leaf("own limits", "bad", add=[limits([dns("example.org")])])
in_mid("limits garbage", "bad", add=[extension("2.5.29.30", NULL, True)])
case("limit of the root", "bad", [leaf(), mid()], [root([basic(), limits([dns("example.org")])])])
case("limits of both", "bad", [leaf(), mid(add=[limits([dns(HOST)])])], [root([basic(), limits([], [dns("example.com")])])])
case("limit for an authority", "bad", [low_leaf, low(), mid(add=[limits([directory((O, "Other"))])])])

# ---- dates, forms, extensions

for label, rule, dates in (
        ("over", "bad", PAST), ("to come", "bad", FUTURE), ("of the last century", "bad", ("500101000000Z", "991231235959Z")),
        ("from 1950", "good", ("500101000000Z", "21200101000000Z")), ("to 9999", "good", ("200101000000Z", "99991231235959Z")),
        ("of no month", "bad", ("200001000000Z", "21200101000000Z")), ("of no end", "bad", ("200101000000Z", "2120010100000Z0")),
        ("without seconds", "bad", ("2001010000Z00", "21200101000000Z")), ("with an offset", "bad", ("20010100+0000", "21200101000000Z")),
        ("with fractions", "bad", ("200101000000Z", "21200101000000.5Z")), ("the other way round", "bad", ("21000101000000Z", "200101000000Z"))):
    in_leaf(f"dates {label}", rule, dates=dates)
    if label in ("over", "to come", "of no month", "of no end"):
        in_mid(f"dates {label}", rule, dates=dates)
        in_root(f"dates {label}", rule, dates=dates)
# NOW is 2026-06-21 00:00:00.
for label, rule, dates in (("begins now", "good", ("260621000000Z", "21200101000000Z")), ("begins in a second", "bad", ("260621000001Z", "21200101000000Z")),
                           ("ends now", "good", ("200101000000Z", "260621000000Z")), ("ended a second ago", "bad", ("200101000000Z", "260620235959Z")),
                           ("ends in a second", "good", ("200101000000Z", "260621000001Z"))):
    case(f"leaf {label}", rule, [leaf(dates=dates), mid()], ask_qt=False)
    case(f"mid {label}", rule, [leaf(), mid(dates=dates)], ask_qt=False)
    case(f"root {label}", rule, [leaf(), mid()], [root(dates=dates)], ask_qt=False)

UNKNOWN, KNOWN = "1.2.3.4", {"policies": ("2.5.29.32", sequence(sequence(oid("2.5.29.32.0")))), "no policy": ("2.5.29.54", tlv(2, b"\0")),
                             "key id": ("2.5.29.14", tlv(4, b"x")), "lists": ("2.5.29.31", sequence()),
                             "access": ("1.3.6.1.5.5.7.1.1", sequence(sequence(oid("1.3.6.1.5.5.7.48.1"), uri("http://x"))))}
in_leaf("unknown extension", "good", add=[extension(UNKNOWN, NULL)])
in_leaf("unknown critical extension", "bad", add=[extension(UNKNOWN, NULL, True)])
in_leaf("unknown extension twice", "bad", add=[extension(UNKNOWN, NULL), extension(UNKNOWN, NULL)])
in_mid("unknown critical extension", "bad", add=[extension(UNKNOWN, NULL, True)])
in_root("unknown critical extension", "bad", extensions=[basic(), extension(UNKNOWN, NULL, True)])
for label, (kind, value) in KNOWN.items():
    in_leaf(f"critical {label}", "good" if label in ("policies", "no policy") else "bad", add=[extension(kind, value, True)])
in_leaf("proxy", "bad", add=[extension("1.3.6.1.5.5.7.1.14", sequence(sequence(oid("1.3.6.1.5.5.7.21.1"))), True)])
in_leaf("critical names", "good", extensions=[alternative(dns(HOST), critical=True)])
in_leaf("names twice", "bad", extensions=[alternative(dns(HOST)), alternative(dns(HOST))])
in_leaf("other name in parts", "good", names=[dns(HOST), tlv(0xA0, oid("1.2.3"), tlv(0xA0, tlv(0x2C, text("x"))))])
in_leaf("other name in parts that are none", "bad", names=[dns(HOST), tlv(0xA0, oid("1.2.3"), tlv(0xA0, tlv(0x2C, b"other")))])
in_leaf("name without content by a long length", "bad", names=[dns(HOST), tlv(0xA4, b"\x30\x81\0")])
in_leaf("no subject", "good", subject=name(), extensions=[alternative(dns(HOST), critical=True)])
for label, serial, rule in (("0", b"\0", "bad"), ("below 0", b"\xff", "bad"), ("of 40 bytes", b"\x11" * 40, "bad"), ("empty", b"", "bad"),
                            ("padded", b"\0\1", "bad")):
    in_leaf(f"number {label}", rule, serial=serial)
for version in (0, 1, 3):
    in_leaf(f"version {version + 1}", "bad", version=version)
    in_mid(f"version {version + 1}", "bad", version=version)
case("leaf version 1 without extensions", "good", [leaf(version=0, names=(), subject=name(rdn((CN, HOST)))), mid()])
in_mid("version 1 without extensions", "bad", version=0, extensions=[])
in_root("version 1 without extensions", "good", version=0, extensions=[])
in_leaf("more at the end", "bad", after=NULL)

# ---- keys and signatures

for kind, rule in (("p384", "good"), ("p521", "good"), ("ed25519", "good"), ("rsa2048", "good"), ("rsa3072", "good"), ("rsa1024", "bad"),
                   ("p192", "bad"), ("secp256k1", "good")):
    in_leaf(f"key {kind}", rule, key=kind)
    case(f"mid key {kind}", rule, [leaf(signer=kind), mid(key=kind)])
    case(f"root key {kind}", rule, [leaf(), mid(signer=kind)], [root(key=kind)])
for algorithm, rule in (("ecdsa-sha1", "bad"), ("ecdsa-sha224", "good"), ("ecdsa-sha384", "good"), ("ecdsa-sha512", "good")):
    in_leaf(f"signed by {algorithm}", rule, algorithm=algorithm)
for algorithm, rule in (("rsa-md5", "bad"), ("rsa-sha1", "bad"), ("rsa-sha384", "good"), ("rsa-sha512", "good"), ("pss-32", "good"), ("pss-20", "good"),
                        ("pss-0", "good")):
    case(f"leaf signed by {algorithm}", rule, [leaf(signer="rsa2048-mid", algorithm=algorithm), mid(key="rsa2048-mid")])
case("mid signed by ecdsa-sha1", "bad", [leaf(), mid(algorithm="ecdsa-sha1")])
in_root("signed by ecdsa-sha1", "good", algorithm="ecdsa-sha1")
in_root("signed by an unknown kind", "good", algorithm="ecdsa-unknown")
in_leaf("signed by another", "bad", signer="p256-other")
in_leaf("signed by another kind of key", "bad", signer="ed25519")
in_mid("signed by another", "bad", signer="p256-other")
in_leaf("signature of a bit more", "bad", spoil=lambda signature: signature[:-1] + bytes([signature[-1] ^ 1]))
in_leaf("signature empty", "bad", spoil=lambda signature: b"")
in_leaf("signature with more at its end", "bad", spoil=lambda signature: signature + b"\0")
in_leaf("signature by two names", "bad", outer_algorithm="ecdsa-sha384")
in_root("signature of no one", "good", spoil=lambda signature: b"")
in_leaf("key garbage", "bad", key_info=sequence(sequence(oid("1.2.840.10045.2.1"), oid("1.2.840.10045.3.1.7")), tlv(3, b"\0", b"\4" * 65)))

# ---- hosts


def hosted(label, rule, names, host, common_name="An Example"):
    case(f"host {label}", rule, [leaf(names=names, subject=name(rdn((CN, common_name)))), mid()], host=host)


hosted("in capitals", "good", [dns("WWW.Example.COM")], HOST)
hosted("of another", "bad", [dns("www.example.org")], HOST)
hosted("above", "bad", [dns("example.com")], HOST)
hosted("second", "good", [dns("a.example.com"), dns(HOST)], HOST)
hosted("pattern", "good", [dns("*.example.com")], HOST)
hosted("pattern for the domain", "bad", [dns("*.example.com")], "example.com")
hosted("pattern for two labels", "bad", [dns("*.example.com")], "a.www.example.com")
hosted("pattern of a part", "good", [dns("w*.example.com")], HOST)
hosted("pattern inside", "bad", [dns("www.*.com")], HOST)
hosted("pattern of a country", "bad", [dns("*.com")], "example.com")
hosted("pattern alone", "bad", [dns("*")], "localhost")
hosted("pattern in other letters", "bad", [dns("xn--b*.example.com")], "xn--bcher-kva.example.com")
hosted("by common name", "good", (), HOST, HOST)
hosted("by common name beside names", "bad", [dns("a.example.com")], HOST, HOST)
hosted("by pattern as common name", "good", (), HOST, "*.example.com")
hosted("with a zero byte", "bad", [dns(b"www.example.com\0.example.org")], HOST)
hosted("with a dot at its end", "good", [dns(HOST)], HOST + ".")
hosted("in other letters", "good", [dns("xn--bcher-kva.example.com")], "b\u00fccher.example.com")
hosted("with an underscore", "good", [dns("a_b.example.com")], "a_b.example.com")
hosted("of one label", "good", [dns("localhost")], "localhost")
hosted("address", "good", [ip("10.1.2.3")], "10.1.2.3")
hosted("address of another", "bad", [ip("10.1.2.4")], "10.1.2.3")
hosted("address of version 6", "good", [ip("::1")], "::1")
hosted("address as a name", "bad", [dns("10.1.2.3")], "10.1.2.3")
hosted("address by pattern", "bad", [dns("*.1.2.3")], "10.1.2.3")
hosted("mail alone", "bad", [mail("me@www.example.com")], HOST)
hosted("uri alone", "bad", [uri("https://www.example.com/")], HOST)
