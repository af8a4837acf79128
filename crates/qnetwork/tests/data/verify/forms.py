#!/usr/bin/python3
"""Makes certificates in forms that are odd or broken, and records what Qt finds wrong with them.

    /usr/bin/python3 forms.py > forms.tsv

It needs PySide2 5.15 and python3-cryptography. Every run makes new keys. Lines, fields parted by tabs, as in goldens.tsv:

    certificate NAME BASE64
    case any CHAIN TRUSTED HOST DEPTH ERRORS        of QSslCertificate::verify; `null` if Qt cannot read one
"""

import base64
import functools

from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from PySide2.QtCore import QCoreApplication
from PySide2.QtNetwork import QSsl, QSslCertificate, QSslConfiguration

from der import CN, NULL, O, OU, extension, name, oid, rdn, sequence, text, tlv

application = QCoreApplication([])
ROOT_KEY, MID_KEY, LEAF_KEY = (ec.generate_private_key(ec.SECP256R1()) for _ in range(3))
HOST = tlv(0x82, b"a.example.com")
CA = extension("2.5.29.19", sequence(tlv(0x01, b"\xff")), True)
ECDSA = sequence(oid("1.2.840.10045.4.3.2"))
DATES = sequence(tlv(0x17, b"200101000000Z"), tlv(0x18, b"21200101000000Z"))


def public(key):
    return key.public_key().public_bytes(serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo)


def certificate(subject, issuer, key, signer, extensions=(), version=b"\2", tag=0xA3, before_extensions=b""):
    signed = sequence(b"" if version is None else tlv(0xA0, tlv(0x02, version)), tlv(0x02, b"\1"), ECDSA, issuer, DATES, subject,
                      key if isinstance(key, bytes) else public(key), before_extensions,
                      tlv(tag, sequence(*extensions)) if extensions else b"")
    return sequence(signed, ECDSA, tlv(0x03, b"\0", signer.sign(signed, ec.ECDSA(hashes.SHA256()))))


ROOT, MID, LEAF = (name(rdn((CN, cn))) for cn in ("root", "mid", "leaf"))


@functools.cache
def root(*extensions, key=ROOT_KEY):
    return certificate(ROOT, ROOT, key, ROOT_KEY, [CA, *extensions])


@functools.cache
def mid(*extensions, subject=MID, key=MID_KEY, **how):
    return certificate(subject, ROOT, key, ROOT_KEY, [CA, *extensions], **how)


def leaf(*extensions, subject=LEAF, key=LEAF_KEY, names=(HOST,), **how):
    return certificate(subject, ROOT, key, ROOT_KEY, [extension("2.5.29.17", sequence(*names)), *extensions], **how)


@functools.cache
def low_leaf(*extensions, subject=LEAF, issuer=MID):
    return certificate(subject, issuer, LEAF_KEY, MID_KEY, [extension("2.5.29.17", sequence(HOST)), *extensions])


# ---- recording

made = {}


def register(label, der):
    if der not in made:
        made[der] = label.replace(",", "").replace(" ", "-")
        print("certificate", made[der], base64.b64encode(der).decode(), sep="\t")
    return made[der]


def case(label, chain, trusted):
    chain_names = [register(f"{label}-{place}", der) for place, der in enumerate(chain)]
    trusted_names = [register(f"{label}-root", der) for der in trusted]
    configuration = QSslConfiguration.defaultConfiguration()
    configuration.setCaCertificates([QSslCertificate(der, QSsl.Der) for der in trusted])
    QSslConfiguration.setDefaultConfiguration(configuration)
    loaded = [QSslCertificate(der, QSsl.Der) for der in chain]
    if any(one.isNull() for one in loaded):
        found = "null"
    else:
        def place(error):
            places = [index for index, one in enumerate(loaded) if one == error.certificate()]
            return places[0] if places else "-"
        errors = QSslCertificate.verify(loaded)
        found = " ".join(f"{str(error.error()).split('.')[-1]}@{place(error)}" for error in errors)
    print("case", "any", ",".join(chain_names), ",".join(trusted_names), "", 0, found, sep="\t")


def in_leaf(label, *extensions, **how):
    case(label, [leaf(*extensions, **how)], [root()])


def in_mid(label, *extensions, **how):
    case(f"mid {label}", [low_leaf(), mid(*extensions, **how)], [root()])


in_leaf("good")
in_mid("good")

# Bits: padding counts for nothing, more than 7 are none, a key is for something.
for value in ("03020784", "03022a06", "030100", "03020000", "03020700", "0303000000", "030206c0", "030205a0", "0302ff80", "03", "0300",
              "0303098080", "03030780ff", "03020886", "03020106"):
    in_leaf(f"KU {value}", extension("2.5.29.15", bytes.fromhex(value), True))
    in_mid(f"KU {value}", extension("2.5.29.15", bytes.fromhex(value), True))
for value in ("03020105", "03020700", "03022a06", "030100", "0300"):
    in_leaf(f"type {value}", extension("2.16.840.1.113730.1.1", bytes.fromhex(value)))

# What may be critical, and be there twice.
KNOWN = {"2.5.29.14": tlv(4, b"abc"), "2.5.29.35": sequence(tlv(0x80, b"x")), "2.5.29.31": sequence(),
         "2.5.29.32": sequence(sequence(oid("2.5.29.32.0"))), "2.5.29.33": sequence(sequence(oid("1.2.3"), oid("1.2.4"))),
         "2.5.29.36": sequence(tlv(0x80, b"\0")), "2.5.29.37": sequence(oid("1.3.6.1.5.5.7.3.1")), "2.5.29.54": tlv(2, b"\0"),
         "2.5.29.18": sequence(HOST), "2.5.29.9": sequence(), "2.5.29.28": sequence(), "2.5.29.46": sequence(),
         "1.3.6.1.5.5.7.1.1": sequence(), "1.3.6.1.5.5.7.1.24": sequence(tlv(2, b"\5")), "1.3.6.1.5.5.7.48.1.5": NULL,
         "2.16.840.1.113730.1.1": b"\3\2\6\x40", "2.16.840.1.113730.1.13": tlv(0x16, b"x"), "1.2.3.4": NULL}
for kind, value in KNOWN.items():
    in_leaf(f"critical {kind}", extension(kind, value, True))
    in_leaf(f"twice {kind}", extension(kind, value), extension(kind, value))

# Where lists of revoked certificates are.
FULL = tlv(0xA0, tlv(0xA0, tlv(0x86, b"http://x")))
for label, value in {
        "empty": b"", "octets": b"\4\0", "null inside": sequence(NULL), "says nothing": sequence(sequence()),
        "full": sequence(sequence(FULL)), "bad full": sequence(sequence(tlv(0xA0, tlv(0xA0, NULL)))),
        "relative": sequence(sequence(tlv(0xA0, tlv(0xA1, sequence(oid(CN), text("x")))))),
        "bad relative": sequence(sequence(tlv(0xA0, tlv(0xA1, NULL)))), "reasons alone": sequence(sequence(tlv(0x81, b"\1\6"))),
        "full, reasons": sequence(sequence(FULL, tlv(0x81, b"\1\6"))), "full, bad reasons": sequence(sequence(FULL, tlv(0x81, b"\x2a\6"))),
        "issuer": sequence(sequence(tlv(0xA2, tlv(0xA4, MID)))), "bad issuer": sequence(sequence(tlv(0xA2, NULL))),
        "more": sequence(sequence(FULL, tlv(0x84, b""))), "two names": sequence(sequence(tlv(0xA0, tlv(0xA0, tlv(0x86, b"h")), tlv(0xA0)))),
        "empty name": sequence(sequence(tlv(0xA0)))}.items():
    in_leaf(f"lists {label}", extension("2.5.29.31", value))
in_mid("lists octets", extension("2.5.29.31", b"\4\0"))

# Names of all kinds, beside a good one.
PARTY, KIND = tlv(0xA1, text("x")), oid("1.2.3")
NAMES = {
    "party": tlv(0xA5, PARTY), "party, assigner": tlv(0xA5, tlv(0xA0, text("y")), PARTY), "assigner": tlv(0xA5, tlv(0xA0, text("y"))),
    "party empty": tlv(0xA5), "party null": tlv(0xA5, NULL), "party number": tlv(0xA5, tlv(0xA1, tlv(2, b"\1"))),
    "party implicit": tlv(0xA5, tlv(0x81, b"x")), "party printable": tlv(0xA5, tlv(0xA1, tlv(0x13, b"x"))),
    "party ia5": tlv(0xA5, tlv(0xA1, tlv(0x16, b"x"))), "party bmp": tlv(0xA5, tlv(0xA1, tlv(0x1E, b"xxx"))),
    "party twice": tlv(0xA5, tlv(0xA1, text("x"), text("x"))), "party more": tlv(0xA5, PARTY, NULL),
    "other": tlv(0xA0, KIND, tlv(0xA0, text("x"))), "other nothing": tlv(0xA0, KIND), "other implicit": tlv(0xA0, KIND, text("x")),
    "other two": tlv(0xA0, KIND, tlv(0xA0, text("x"), text("x"))), "other more": tlv(0xA0, KIND, tlv(0xA0, text("x")), NULL),
    "other sequence": tlv(0xA0, KIND, tlv(0xA0, tlv(0x30, b"garbage"))), "other context": tlv(0xA0, KIND, tlv(0xA0, tlv(0x84, b"zz"))),
    "x400": tlv(0xA3, b"zz"), "x400 primitive": tlv(0x83, b"zz"), "id": tlv(0x88, b"\x2a\3"), "id bad": tlv(0x88, b"\x80"),
    "directory": tlv(0xA4, MID), "directory implicit": tlv(0xA4, rdn((CN, "x"))), "directory two": tlv(0xA4, MID, MID),
    "directory number": tlv(0xA4, name(tlv(0x31, sequence(oid(CN), tlv(2, b"\1"))))), "directory nothing": tlv(0xA4, name(tlv(0x31))),
    "tag 9": tlv(0x89, b"x")}
for label, value in {"utf8": tlv(0x0C, b"\xff"), "integer": tlv(2), "long integer": tlv(2, b"\0\1"), "boolean": tlv(1, b"ab"), "oid": tlv(6, b"\x80"),
                     "bits": tlv(3, b"\x09\0"), "null": tlv(5, b"x"), "enumerated": tlv(0x0A), "bmp": tlv(0x1E, b"z"), "universal": tlv(0x1C, b"zz"),
                     "octets": tlv(4), "time": tlv(0x17, b"zz")}.items():
    NAMES[f"other {label}"] = tlv(0xA0, KIND, tlv(0xA0, value))
for label, value in NAMES.items():
    in_leaf(f"name {label}", names=(HOST, value))
for label in ("party null", "other implicit", "x400", "id bad"):
    in_mid(f"limit {label}", extension("2.5.29.30", sequence(tlv(0xA0, sequence(NAMES[label])))))
in_leaf("issuer of the key party null", extension("2.5.29.35", sequence(tlv(0xA1, NAMES["party null"]), tlv(0x82, b"\1"))))
for label, value in {"garbage": NULL, "nothing": sequence(), "issuer": sequence(tlv(0xA1, tlv(0xA4, ROOT))), "serial": sequence(tlv(0x82, b"\1")),
                     "bad serial": sequence(tlv(0x82)), "order": sequence(tlv(0x82, b"\1"), tlv(0x80, b"x"))}.items():
    in_leaf(f"key id {label}", extension("2.5.29.35", value))

# Something else in place of the extensions, and before them.
for tag in (0xA2, 0xA4, 0x83, 0xA1, 0x81, 0x82, 0x30):
    in_leaf(f"extensions {tag:#x}", tag=tag)
    in_mid(f"extensions {tag:#x}", tag=tag)
for label, value in {"one": tlv(0x81, b"\0x"), "order": tlv(0x82, b"\0x") + tlv(0x81, b"\0x"), "empty": tlv(0x81), "unused": tlv(0x81, b"\x09x")}.items():
    in_leaf(f"unique id {label}", before_extensions=value)

# Keys.
EC, P256, RSA = oid("1.2.840.10045.2.1"), oid("1.2.840.10045.3.1.7"), oid("1.2.840.113549.1.1.1")
POINT = public(LEAF_KEY)[-65:]
MODULUS, EXPONENT = tlv(2, b"\0", b"\xc1" * 256), tlv(2, b"\1\0\1")


def key(algorithm, value):
    return sequence(sequence(*algorithm), tlv(3, b"\0", value))


KEYS = {"compressed": key((EC, P256), bytes([2 + (POINT[-1] & 1)]) + POINT[1:33]), "short point": key((EC, P256), POINT[:40]),
        "no point": key((EC, P256), b""), "curve": key((EC, oid("1.2.3.4")), POINT), "no curve": key((EC,), POINT), "null curve": key((EC, NULL), POINT),
        "rsa": key((RSA, NULL), sequence(MODULUS, EXPONENT)), "rsa garbage": key((RSA, NULL), b"zz"), "rsa one": key((RSA, NULL), sequence(MODULUS)),
        "rsa three": key((RSA, NULL), sequence(MODULUS, EXPONENT, NULL)), "algorithm": key((oid("1.2.3.4"),), b"zz"),
        "ed25519": key((oid("1.3.101.112"),), b"a" * 32), "ed25519 short": key((oid("1.3.101.112"),), b"a" * 31)}
for label, value in KEYS.items():
    in_leaf(f"key {label}", key=value)
    in_mid(f"key {label}", key=value)
for label in ("short point", "curve", "rsa garbage", "algorithm"):
    spoilt = root(key=KEYS[label])
    case(f"root {label}", [leaf()], [spoilt])
    case(f"self {label}", [spoilt], [spoilt])
    case(f"self untrusted {label}", [spoilt], [])

# Names with several values in one set.
SUBJECTS = {"O": name(rdn((O, "F"))), "O CN": name(rdn((O, "F")), rdn((CN, "x"))), "O+OU": name(rdn((O, "F"), (OU, "x"))),
            "O+OU CN": name(rdn((O, "F"), (OU, "x")), rdn((CN, "x"))), "OX": name(rdn((O, "FX"))), "OU+O": name(rdn((OU, "x"), (O, "F"))), "none": name(),
            "o": name(rdn((O, "f"))), "nothing O": name(tlv(0x31), rdn((O, "F")))}


def limited(base, subject, tag):
    limit = extension("2.5.29.30", sequence(tlv(tag, sequence(tlv(0xA4, SUBJECTS[base])))))
    case(f"limit {tag:#x} {base} for {subject}", [low_leaf(subject=SUBJECTS[subject]), mid(limit)], [root()])


for subject in SUBJECTS:
    for base in ("O", "O+OU", "none"):
        limited(base, subject, 0xA0)
        limited(base, subject, 0xA1)
for subject, issuer in (("O+OU", "OU+O"), ("O+OU", "O"), ("O", "O+OU"), ("O", "nothing O")):
    case(f"issuer {issuer} is {subject}", [low_leaf(issuer=SUBJECTS[issuer]), mid(subject=SUBJECTS[subject])], [root()])

# Numbers.
for version in (b"\0", b"\1", b"\3", b"\x7f", b"\1\0", b"\0\2", b""):
    in_leaf(f"version {version.hex()}", version=version)
for length in (b"\xff", b"", b"\0", b"\7", b"\1\0", b"\0\1", b"\0" * 9 + b"\1"):
    limit = extension("2.5.29.19", sequence(tlv(1, b"\xff"), tlv(2, length)), True)
    case(f"length {length.hex()}", [low_leaf(), certificate(MID, ROOT, MID_KEY, ROOT_KEY, [limit])], [root()])
