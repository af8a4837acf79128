#!/usr/bin/python3
"""Makes keys of all kinds with openssl and records what Qt's QSslKey says of them, for `goldens.rs` to compare with.

    /usr/bin/python3 goldens.py > goldens.tsv

It needs PySide2 5.15, and OpenSSL 3 with its legacy provider. The keys protect nothing; those that are not encrypted
are the ones in `pem`, where there is such a key.

The fields of a line are separated by tabs:

    name  format  pass phrase  the key  what Qt says

The pass phrase is in hexadecimal; `61*1000` is 1000 times that byte. The key is text with escapes (PEM) or base64 (DER). Where the key is `=`, it is that of the line before. Qt is asked
for each algorithm, as a private and as a public key. The keys that are not null are listed, separated by semicolons:
algorithm asked for, type asked for, algorithm(), length(), type(), label of toPem(), SHA-256 of toDer(), both shortened.
"""

import base64
import hashlib
import os
import re
import subprocess
import sys
import tempfile

from PySide2.QtCore import QByteArray
from PySide2.QtNetwork import QSsl, QSslKey

ALGORITHMS = ("Opaque", "Rsa", "Dsa", "Ec", "Dh")
DATA = os.path.join(os.path.dirname(os.path.abspath(__file__)), "pem")
LEGACY = ["-provider", "legacy", "-provider", "default"]
last = None


def openssl(*args, data=None):
    done = subprocess.run(["openssl", *args], input=data, stdout=subprocess.PIPE, stderr=subprocess.PIPE, timeout=60)
    if done.returncode != 0:
        raise SystemExit(f"openssl {args}: {done.stderr.decode()}")
    return done.stdout


def stored(name):
    with open(f"{DATA}/{name}.pem", "rb") as file:
        return file.read()


def answers(data, form, phrase):
    out = []
    for algorithm in ALGORITHMS:
        for kind in ("Private", "Public"):
            key = QSslKey(QByteArray(data), getattr(QSsl, algorithm), getattr(QSsl, form), getattr(QSsl, kind + "Key"),
                          QByteArray(phrase))
            if key.isNull():
                assert key.length() == -1 and not key.toPem() and not key.toDer()
                continue
            der, pem = bytes(key.toDer()), bytes(key.toPem())
            label = pem.split(b"-----")[1].decode().replace("BEGIN ", "")
            body = b"".join(pem.split(b"-----")[2].split())
            assert base64.b64decode(body) == der
            kinds = (algorithm, kind, key.algorithm().name.decode(), str(key.length()),
                     key.type().name.decode().replace("Key", ""), label.replace(" ", "_"),
                     hashlib.sha256(der).hexdigest()[:12])
            out.append(" ".join(kinds))
    return ";".join(out)


def escape(data):
    out = ""
    for byte in data:
        if byte == 10:
            out += "\\n"
        elif 32 <= byte < 127 and byte != 92:
            out += chr(byte)
        else:
            out += f"\\x{byte:02x}"
    return out


def ask(name, data, form="Pem", phrase=b""):
    global last
    text = escape(data) if form == "Pem" else base64.b64encode(data).decode()
    shown = "=" if text == last else text
    last = text
    long = len(phrase) > 60 and len(set(phrase)) == 1
    secret = f"{phrase[:1].hex()}*{len(phrase)}" if long else phrase.hex()
    print("\t".join((name, form, secret, shown, answers(data, form, phrase))))


def to_der(pem):
    return base64.b64decode(b"".join(line for line in pem.split(b"-----")[2].split(b"\n") if b":" not in line))


def to_pem(label, der):
    digits = base64.b64encode(der)
    lines = [digits[i:i + 64] for i in range(0, len(digits), 64)]
    return b"\n".join([b"-----BEGIN " + label + b"-----", *lines, b"-----END " + label + b"-----", b""])


def both(name, pem, phrase=b""):
    ask(name, pem, "Pem", phrase)
    if b"DEK-Info" not in pem:
        ask(name, to_der(pem), "Der", phrase)


def tlv(tag, value):
    n = len(value)
    length = bytes([n]) if n < 128 else bytes([0x81, n]) if n < 256 else bytes([0x82, n >> 8, n & 255])
    return bytes([tag]) + length + value


# --- what is not encrypted -------------------------------------------------------------------------------------------

def plain():
    for name in ("rsa", "dsa", "prime256v1", "secp384r1", "secp521r1", "secp256k1"):
        both(f"{name} traditional", stored(name))
        both(f"{name} pkcs8", stored(f"{name}-pkcs8"))
        both(f"{name} public", stored(f"{name}-public"))
    both("rsa pkcs1 public", openssl("rsa", "-RSAPublicKey_out", data=stored("rsa")))
    pss = openssl("genpkey", "-algorithm", "RSA-PSS", "-pkeyopt", "rsa_keygen_bits:1024")
    both("rsa-pss pkcs8", pss)
    both("rsa-pss public", openssl("pkey", "-pubout", data=pss))
    limited = openssl("genpkey", "-algorithm", "RSA-PSS", "-pkeyopt", "rsa_keygen_bits:1024", "-pkeyopt",
                      "rsa_pss_keygen_md:sha256", "-pkeyopt", "rsa_pss_keygen_saltlen:32")
    both("rsa-pss sha256 pkcs8", limited)
    both("rsa-pss sha256 public", openssl("pkey", "-pubout", data=limited))
    both("ed25519 pkcs8", stored("ed25519"))
    both("ed25519 public", stored("ed25519-public"))
    both("x25519 pkcs8", stored("x25519"))
    both("x25519 public", openssl("pkey", "-pubout", data=stored("x25519")))
    for name in ("ed448", "x448"):
        key = openssl("genpkey", "-algorithm", name)
        both(f"{name} pkcs8", key)
        both(f"{name} public", openssl("pkey", "-pubout", data=key))
    for name, group in (("dh", "ffdhe2048"), ("dhx", "dh_2048_256")):
        algorithm = "DH" if name == "dh" else "DHX"
        key = openssl("genpkey", "-algorithm", algorithm, "-pkeyopt", f"group:{group}")
        both(f"{name} pkcs8", key)
        both(f"{name} public", openssl("pkey", "-pubout", data=key))
    both("dh parameters", openssl("genpkey", "-genparam", "-algorithm", "DH", "-pkeyopt", "group:ffdhe2048"))
    for curve in ("prime192v1", "secp224r1", "brainpoolP256r1", "sect233k1"):
        key = openssl("ecparam", "-name", curve, "-genkey", "-noout")
        both(f"{curve} traditional", key)
        both(f"{curve} pkcs8", openssl("pkcs8", "-topk8", "-nocrypt", data=key))
        both(f"{curve} public", openssl("ec", "-pubout", data=key))
    listed = openssl("ecparam", "-list_curves").decode()
    for curve in re.findall(r"^ *([A-Za-z0-9-]+) *:", listed, re.M):
        ask(f"curve {curve}", openssl("ecparam", "-name", curve, "-genkey", "-noout"))
    for curve in ("prime256v1", "secp384r1", "sect233k1"):
        key = openssl("ecparam", "-name", curve, "-genkey", "-noout", "-param_enc", "explicit")
        both(f"{curve} explicit traditional", key)
        both(f"{curve} explicit pkcs8", openssl("pkcs8", "-topk8", "-nocrypt", data=key))
        both(f"{curve} explicit public", openssl("ec", "-pubout", data=key))
    point = ("-conv_form", "compressed")
    both("prime256v1 compressed traditional", openssl("ec", *point, data=stored("prime256v1")))
    both("prime256v1 compressed public", openssl("ec", "-pubout", *point, data=stored("prime256v1")))
    both("prime256v1 without public traditional", openssl("ec", "-no_public", data=stored("prime256v1")))
    both("prime256v1 with parameters", stored("prime256v1-with-parameters"))
    curve = to_der(stored("prime256v1"))
    # Without the curve: the version and the secret alone.
    both("prime256v1 without a curve", to_pem(b"EC PRIVATE KEY", tlv(0x30, curve[2:5] + curve[5:39])))
    public = to_der(stored("prime256v1-public"))
    points = {"off the curve": public[:-1] + bytes([public[-1] ^ 1]), "of another form": public[:26] + b"\x05" + public[27:]}
    short = public[:-1]
    points["cut short"] = bytes([short[0], short[1] - 1]) + short[2:24] + bytes([short[24] - 1]) + short[25:]
    for name, der in points.items():
        both(f"prime256v1 public, a point {name}", to_pem(b"PUBLIC KEY", der))
    rsa = to_der(stored("rsa"))
    numbers = rsa[4:]
    three = openssl("genrsa", "-traditional", "-primes", "3", "1536")
    both("rsa of three primes traditional", three)
    both("rsa of three primes pkcs8", openssl("pkcs8", "-topk8", "-nocrypt", data=three))
    sequences = {"and one more number": numbers + b"\x02\x01\x05", "of another version": b"\x02\x01\x02" + numbers[3:],
                 "of several primes without any": b"\x02\x01\x01" + numbers[3:], "of two numbers": numbers[:3 + 3 + 129]}
    for name, content in sequences.items():
        both(f"rsa {name}", to_pem(b"RSA PRIVATE KEY", tlv(0x30, content)))
    dsa = to_der(stored("dsa"))
    both("dsa and one more number", to_pem(b"DSA PRIVATE KEY", tlv(0x30, dsa[4:] + b"\x02\x01\x05")))
    both("dsa of another version", to_pem(b"DSA PRIVATE KEY", tlv(0x30, b"\x02\x01\x01" + dsa[7:])))


# --- labels and what is around the block -----------------------------------------------------------------------------

def labels():
    labels = (b"PRIVATE KEY", b"ENCRYPTED PRIVATE KEY", b"RSA PRIVATE KEY", b"DSA PRIVATE KEY", b"EC PRIVATE KEY",
              b"DH PRIVATE KEY", b"PUBLIC KEY", b"RSA PUBLIC KEY", b"ANY PRIVATE KEY", b"CERTIFICATE", b"DH PARAMETERS")
    ders = [(name, to_der(stored(name)))
            for name in ("rsa", "rsa-pkcs8", "rsa-public", "dsa", "dsa-pkcs8", "prime256v1", "prime256v1-pkcs8",
                         "prime256v1-public", "prime256v1-encrypted")]
    for name, der in ders:
        for label in labels:
            ask(f"{name} as {label.decode()}", to_pem(label, der), phrase=b"1234")
    secret = to_der(stored("prime256v1-encrypted"))
    ask("encrypted as PRIVATE KEY, no pass phrase", to_pem(b"PRIVATE KEY", secret))


def around():
    pem = stored("prime256v1")
    lines = pem.split(b"\n")
    begin, body, end = lines[0], lines[1:-2], lines[-2]
    def join(*parts):
        return b"\n".join(parts)
    joined = b"".join(body)
    texts = {
        "junk before": b"junk\n" + pem,
        "junk in front on the line": b"junk" + pem,
        "junk behind": pem + b"junk",
        "crlf": pem.replace(b"\n", b"\r\n"),
        "cr": pem.replace(b"\n", b"\r"),
        "no last line feed": pem[:-1],
        "another algorithm behind": pem + stored("rsa"),
        "another algorithm before": stored("rsa") + pem,
        "a certificate block before": to_pem(b"CERTIFICATE", b"junk") + pem,
        "a broken block before": begin + b"\n!!!!\n" + end + b"\n" + pem,
        "a block without an end before": begin + b"\n" + pem,
        "two of the algorithm": pem + to_pem(b"EC PRIVATE KEY", to_der(stored("secp384r1"))),
        "indented by spaces": b"".join(b"    " + line + b"\n" for line in lines[:-1]),
        "indented by a tab": b"".join(b"\t" + line + b"\n" for line in lines[:-1]),
        "indented begin": b" " + pem,
        "indented body": join(begin, *(b"  " + line for line in body), end, b""),
        "indented end": join(begin, *body, b"  " + end, b""),
        "spaces behind begin": join(begin + b"   ", *body, end, b""),
        "a tab behind begin": join(begin + b"\t", *body, end, b""),
        "junk behind begin": join(begin + b"x", *body, end, b""),
        "spaces behind the body": join(begin, *(line + b"  " for line in body), end, b""),
        "spaces behind end": join(begin, *body, end + b"  ", b""),
        "junk behind end": join(begin, *body, end + b"x", b""),
        "blank line behind begin": join(begin, b"", *body, end, b""),
        "blank line in the body": join(begin, body[0], b"", *body[1:], end, b""),
        "blank line before end": join(begin, *body, b"", end, b""),
        "one line": join(begin, joined, end, b""),
        "short lines": join(begin, *(joined[i:i + 20] for i in range(0, len(joined), 20)), end, b""),
        "lines of 76": join(begin, *(joined[i:i + 76] for i in range(0, len(joined), 76)), end, b""),
        "uneven lines": join(begin, joined[:3], joined[3:10], joined[10:75], joined[75:], end, b""),
        "a space in the body": join(begin, body[0][:10] + b" " + body[0][10:], *body[1:], end, b""),
        "no padding": join(begin, *body[:-1], body[-1].rstrip(b"="), end, b""),
        "too much padding": join(begin, *body[:-1], body[-1] + b"==", end, b""),
        "behind the padding": join(begin, *body, b"AAAA", end, b""),
        "no end": join(begin, *body, b""),
        "another end": join(begin, *body, b"-----END PRIVATE KEY-----", b""),
        "lower case": pem.lower(),
        "label in lower case": pem.replace(b"EC PRIVATE KEY", b"ec private key"),
        "four dashes": pem.replace(b"-----", b"----"),
        "six dashes": pem.replace(b"-----", b"------"),
        "a byte order mark": b"\xef\xbb\xbf" + pem,
        "a byte that is none of base64": join(begin, b"!" + body[0][1:], *body[1:], end, b""),
        "a nul in the body": join(begin, body[0][:10] + b"\0" + body[0][10:], *body[1:], end, b""),
        "a nul before": b"\0\n" + pem,
        "a header": join(begin, b"Comment: x", b"", *body, end, b""),
        "a header without a blank line": join(begin, b"Comment: x", *body, end, b""),
        "proc-type alone": join(begin, b"Proc-Type: 4,ENCRYPTED", b"", *body, end, b""),
        "no body": join(begin, end, b""),
        "begin alone": begin + b"\n",
        "all on one line": pem.replace(b"\n", b""),
        "a comment behind the digits": join(begin, *body[:-1], body[-1] + b"# x", end, b""),
        "nothing": b"",
    }
    for name, text in texts.items():
        ask(f"text: {name}", text)
    ask("text: DER as PEM", to_der(pem))
    ask("text: PEM as DER", pem, "Der")
    for name in ("prime256v1", "rsa", "rsa-pkcs8", "rsa-public"):
        der = to_der(stored(name))
        ask(f"der: {name} and more bytes", der + b"xx", "Der")
        ask(f"der: {name} cut short", der[:-1], "Der")
        ask(f"der: a byte before {name}", b"x" + der, "Der")
        ask(f"text: {name} and more bytes", to_pem(stored(name).split(b"-----")[1][6:], der + b"xx"))
    texts = {"ec": stored("prime256v1"), "rsa": stored("rsa"), "dsa": stored("dsa"), "ec pkcs8": stored("prime256v1-pkcs8"),
             "rsa pkcs8": stored("rsa-pkcs8"), "encrypted": stored("prime256v1-encrypted"), "ec public": stored("prime256v1-public"),
             "rsa public": stored("rsa-public"), "RSA PUBLIC KEY": openssl("rsa", "-RSAPublicKey_out", data=stored("rsa")),
             "broken": to_pem(b"CERTIFICATE", b"junk").replace(b"\n", b"\n!!\n", 1),
             "certificate with a header": to_pem(b"CERTIFICATE", b"junk").replace(b"\n", b"\nComment: x\n\n", 1)}
    for label in ("RSA PRIVATE KEY", "EC PRIVATE KEY", "PRIVATE KEY", "DH PRIVATE KEY", "FOO PRIVATE KEY", "PUBLIC KEY"):
        texts[f"junk as {label}"] = to_pem(label.encode(), b"junk")
    pairs = ("ec,rsa", "dsa,rsa", "rsa,dsa", "rsa pkcs8,ec", "rsa pkcs8,ec pkcs8", "ec pkcs8,rsa", "ec,rsa pkcs8", "encrypted,rsa",
             "encrypted,ec", "ec public,ec", "rsa public,ec public", "ec public,rsa public", "RSA PUBLIC KEY,rsa public",
             "RSA PUBLIC KEY,rsa", "broken,ec", "certificate with a header,ec", "junk as RSA PRIVATE KEY,ec",
             "junk as EC PRIVATE KEY,ec", "junk as PRIVATE KEY,ec", "junk as DH PRIVATE KEY,ec", "junk as FOO PRIVATE KEY,ec",
             "junk as PUBLIC KEY,ec", "junk as PUBLIC KEY,ec public", "junk as EC PRIVATE KEY,ec public")
    for pair in pairs:
        one, other = pair.split(",")
        ask(f"blocks: {one}, {other}", texts[one] + texts[other], phrase=b"1234")
    lines = stored("rsa").split(b"\n")
    ask("text: one line of RSA", b"\n".join((lines[0], b"".join(lines[1:-2]), lines[-2], b"")))
    ask("text: one line of RSA behind a blank line", b"\n".join((lines[0], b"", b"".join(lines[1:-2]), lines[-2], b"")))
    ask("der: nothing", b"", "Der")
    # PKCS#8 with attributes behind the key, and of version 2, with the public key.
    der = to_der(stored("prime256v1-pkcs8"))
    assert der[:2] == b"\x30\x81"
    attributes = tlv(0xa0, tlv(0x30, bytes.fromhex("0603551d0f3104030200 80".replace(" ", ""))))
    both("pkcs8 with attributes", to_pem(b"PRIVATE KEY", tlv(0x30, der[3:] + attributes)))
    inner = to_der(stored("ed25519"))
    public = to_der(stored("ed25519-public"))[-32:]
    both("ed25519 pkcs8 version 2", to_pem(b"PRIVATE KEY", tlv(0x30, b"\x02\x01\x01" + inner[5:] + tlv(0x81, b"\0" + public))))


# --- what is encrypted -----------------------------------------------------------------------------------------------

def pkcs8(key, *how, phrase=b"1234"):
    with tempfile.NamedTemporaryFile() as file:
        file.write(phrase + b"\n")
        file.flush()
        # Few rounds, for tests that take no time.
        rounds = [] if "-scrypt" in how or "-iter" in how else ["-iter", "64"]
        return openssl("pkcs8", "-topk8", *LEGACY, *how, *rounds, "-passout", f"file:{file.name}", data=key)


def traditional(key, cipher, phrase=b"1234"):
    with tempfile.NamedTemporaryFile() as file:
        file.write(phrase + b"\n")
        file.flush()
        kind = "ec" if b"EC PRIVATE" in key else "dsa" if b"DSA PRIVATE" in key else "rsa"
        how = [] if kind == "ec" else ["-traditional"]
        return openssl(kind, *LEGACY, *how, "-" + cipher, "-passout", f"file:{file.name}", data=key)


V1 = ("PBE-MD5-DES", "PBE-SHA1-DES", "PBE-MD5-RC2-64", "PBE-SHA1-RC2-64", "PBE-SHA1-RC4-128", "PBE-SHA1-RC4-40",
      "PBE-SHA1-3DES", "PBE-SHA1-2DES", "PBE-SHA1-RC2-128", "PBE-SHA1-RC2-40")
V2 = ("aes-128-cbc", "aes-192-cbc", "aes-256-cbc", "des3", "des", "rc2", "rc2-64", "rc2-40", "camellia256", "aria128",
      "aes-256-cfb", "aes-256-ofb", "bf", "cast5-cbc", "seed")
OLD = ("aes128", "aes192", "aes256", "des", "des3", "aes-128-ofb", "camellia128", "camellia256", "aria128", "seed", "rc2-cbc",
       "bf-cbc", "cast5-cbc")


def encrypted():
    key = stored("prime256v1")
    kinds = [(f"v1 {how}", pkcs8(key, "-v1", how)) for how in V1]
    kinds += [(f"v2 {how}", pkcs8(key, "-v2", how)) for how in V2]
    kinds += [(f"v2 aes-256-cbc {prf}", pkcs8(key, "-v2", "aes-256-cbc", "-v2prf", prf))
              for prf in ("hmacWithMD5", "hmacWithSHA1", "hmacWithSHA224", "hmacWithSHA256", "hmacWithSHA384",
                          "hmacWithSHA512", "hmacWithSHA512-224", "hmacWithSHA512-256")]
    kinds += [("v2 scrypt", pkcs8(key, "-scrypt", "-scrypt_N", "64"))]
    kinds += [("v2 one round", pkcs8(key, "-iter", "1")), ("v1 one round", pkcs8(key, "-v1", "PBE-SHA1-3DES", "-iter", "1"))]
    kinds += [("v1 many rounds", pkcs8(key, "-v1", "PBE-SHA1-3DES", "-iter", "70000"))]
    kinds += [(f"DEK {how}", traditional(key, how)) for how in OLD]
    for name, pem in kinds:
        both(f"{name}, right", pem, b"1234")
        ask(f"{name}, wrong", pem, phrase=b"1235")
        ask(f"{name}, none", pem)
    for name in ("rsa", "dsa"):
        key = stored(name)
        for how in (("-v2", "aes-256-cbc"), ("-v2", "des3"), ("-v1", "PBE-SHA1-3DES"), ("-v1", "PBE-MD5-DES")):
            both(f"{name} {how[0][1:]} {how[1]}, right", pkcs8(key, *how), b"1234")
        for how in ("aes256", "des3"):
            both(f"{name} DEK {how}, right", traditional(key, how), b"1234")
    for name in ("ed25519", "x25519"):
        both(f"{name} v2 aes-256-cbc, right", pkcs8(stored(name), "-v2", "aes-256-cbc"), b"1234")
    explicit = openssl("ecparam", "-name", "prime256v1", "-genkey", "-noout", "-param_enc", "explicit")
    both("explicit v2 aes-256-cbc, right", pkcs8(explicit, "-v2", "aes-256-cbc"), b"1234")
    both("explicit DEK aes256, right", traditional(explicit, "aes256"), b"1234")


def phrases():
    key = stored("prime256v1")
    phrases = {
        "empty": b"",
        "utf-8": "pässwörd €".encode(),
        "utf-8 beyond 16 bits": "key \U0001f511".encode(),
        "latin-1": "pässwörd".encode("latin-1"),
        "not utf-8": b"\xff\xfe\x80a",
        "utf-8 cut short": b"abc\xe2\x82",
        "utf-8 of a surrogate": b"a\xed\xa0\x80b",
        "utf-8 too long a form": b"a\xc1\x81b",
        "spaces": b"  a b  ",
        "4 bytes": b"abcd",
        "3 bytes": b"abc",
        "1 byte": b"a",
        "63 bytes": b"x" * 63,
        "64 bytes": b"x" * 64,
        "65 bytes": b"x" * 65,
        "129 bytes": b"x" * 129,
        "1000 bytes": b"y" * 1000,
        "1022 bytes": b"z" * 1022,
    }
    hows = (("v1 PBE-SHA1-3DES", lambda p: pkcs8(key, "-v1", "PBE-SHA1-3DES", phrase=p)),
            ("v1 PBE-MD5-DES", lambda p: pkcs8(key, "-v1", "PBE-MD5-DES", phrase=p)),
            ("v2 aes-256-cbc", lambda p: pkcs8(key, "-v2", "aes-256-cbc", phrase=p)),
            ("v2 scrypt", lambda p: pkcs8(key, "-scrypt", "-scrypt_N", "64", phrase=p)),
            ("DEK aes256", lambda p: traditional(key, "aes256", phrase=p)))
    for how, make in hows:
        for name, phrase in phrases.items():
            if how == "DEK aes256" and not phrase:
                continue  # openssl does not write such a key; `parameters` does
            ask(f"phrase: {how}, {name}", make(phrase), phrase=phrase)
        pem = make(b"1234")
        for name, phrase in (("a nul behind it", b"1234\0"), ("a nul and more behind it", b"1234\0more"),
                             ("a nul before it", b"\x001234"), ("a line feed behind it", b"1234\n")):
            ask(f"phrase: {how}, {name}", pem, phrase=phrase)
        # Qt, by OpenSSL, looks at the first 1024 bytes.
        pem = make(b"w" * 1022)
        ask(f"phrase: {how}, too short by a byte", pem, phrase=b"w" * 1021)
        ask(f"phrase: {how}, too long by a byte", pem, phrase=b"w" * 1023)


def headers():
    pem = traditional(stored("prime256v1"), "aes128")
    lines = pem.split(b"\n")
    begin, proc, dek, blank, rest = lines[0], lines[1], lines[2], lines[3], lines[4:]
    assert proc.startswith(b"Proc-Type") and dek.startswith(b"DEK-Info") and not blank
    iv = dek.split(b",")[1]
    def join(*parts):
        return b"\n".join((begin, *parts, *rest))
    texts = {
        "crlf": pem.replace(b"\n", b"\r\n"),
        "no blank line": join(proc, dek),
        "two blank lines": join(proc, dek, b"", b""),
        "blank line of spaces": join(proc, dek, b"  "),
        "blank line before": join(b"", proc, dek, b""),
        "the other way round": join(dek, proc, b""),
        "no DEK-Info": join(proc, b""),
        "no Proc-Type": join(dek, b""),
        "a third header": join(proc, dek, b"Comment: x", b""),
        "a header between": join(proc, b"Comment: x", dek, b""),
        "a header before": join(b"Comment: x", proc, dek, b""),
        "names in lower case": join(proc.replace(b"Proc-Type", b"proc-type"), dek.replace(b"DEK-Info", b"dek-info"), b""),
        "cipher in lower case": join(proc, dek.lower().replace(b"dek-info", b"DEK-Info"), b""),
        "iv in lower case": join(proc, dek.replace(iv, iv.lower()), b""),
        "no spaces": join(proc.replace(b" ", b""), dek.replace(b" ", b""), b""),
        "more spaces": join(proc.replace(b" ", b"   "), dek.replace(b" ", b"   "), b""),
        "spaces around the commas": join(proc.replace(b",", b" , "), dek.replace(b",", b" , "), b""),
        "spaces at the ends": join(proc + b"  ", dek + b"  ", b""),
        "spaces in front": join(b" " + proc, b" " + dek, b""),
        "tabs": join(proc.replace(b" ", b"\t"), dek.replace(b" ", b"\t"), b""),
        "type 3": join(proc.replace(b"4", b"3"), dek, b""),
        "type 44": join(proc.replace(b"4", b"44"), dek, b""),
        "MIC-ONLY": join(b"Proc-Type: 4,MIC-ONLY", dek, b""),
        "ENCRYPTEDX": join(proc + b"X", dek, b""),
        "short iv": join(proc, dek[:-2], b""),
        "long iv": join(proc, dek + b"00", b""),
        "iv that is not hexadecimal": join(proc, dek[:-1] + b"G", b""),
        "no iv": join(proc, b"DEK-Info: AES-128-CBC", b""),
        "no cipher": join(proc, b"DEK-Info: ", b""),
        "unknown cipher": join(proc, dek.replace(b"AES-128", b"AES-129"), b""),
        "another cipher": join(proc, dek.replace(b"AES-128", b"AES-192"), b""),
        "CBC left out": join(proc, dek.replace(b"AES-128-CBC", b"AES128"), b""),
        "ECB": join(proc, b"DEK-Info: AES-128-ECB", b""),
        "another iv": join(proc, dek.replace(iv, b"0" * 32), b""),
        "as PKCS#8": pem.replace(b"EC PRIVATE", b"PRIVATE"),
        "as RSA": pem.replace(b"EC PRIVATE", b"RSA PRIVATE"),
        "as a public key": pem.replace(b"EC PRIVATE", b"PUBLIC"),
        "body cut to no block": pem.replace(rest[0], rest[0][:60]),
        "two DEK-Info": join(proc, dek, dek, b""),
    }
    for name, text in texts.items():
        ask(f"header: {name}", text, phrase=b"1234")
    digits = b"".join(rest[:-2])
    ends = rest[-2:]
    for name, parts in (("lines of 76", [digits[i:i + 76] for i in range(0, len(digits), 76)]),
                        ("short lines", [digits[i:i + 20] for i in range(0, len(digits), 20)]), ("one line", [digits]),
                        ("spaces behind the lines", [line + b"  " for line in rest[:-2]])):
        ask(f"header: {name}", b"\n".join((begin, proc, dek, b"", *parts, *ends)), phrase=b"1234")
    # PKCS#8 and public keys, encrypted as traditional keys are: openssl does not write them, and reads them.
    for label, der in ((b"PRIVATE KEY", to_der(stored("prime256v1-pkcs8"))), (b"PUBLIC KEY", to_der(stored("prime256v1-public"))),
                       (b"ENCRYPTED PRIVATE KEY", to_der(stored("prime256v1-encrypted")))):
        salt = bytes.fromhex(iv.decode())[:8]
        secret = hashlib.md5(b"1234" + salt).digest()
        out = openssl("enc", "-aes-128-cbc", "-K", secret.hex(), "-iv", iv.decode(), data=der)
        text = to_pem(label, out).split(b"\n", 1)
        ask(f"header: encrypted {label.decode()}", b"\n".join((text[0], proc, dek, b"", text[1])), phrase=b"1234")


# --- parameters that openssl's commands do not write -------------------------------------------------------------------

def oid(text):
    numbers = [int(x) for x in text.split(".")]
    out = [numbers[0] * 40 + numbers[1]]
    for x in numbers[2:]:
        digits = [x & 127]
        while x := x >> 7:
            digits.insert(0, 128 | x & 127)
        out += digits
    return tlv(6, bytes(out))


def number(n):
    return tlv(2, n.to_bytes(n.bit_length() // 8 + 1, "big"))


NULL = b"\5\0"
SHA256 = tlv(0x30, oid("1.2.840.113549.2.9") + NULL)


def pbes2(key, phrase=b"1234", salt=b"saltsalt", rounds=64, length=b"", prf=SHA256, digest="sha256", iv=bytes(range(16)),
          shown_iv=None, shown_rounds=None):
    secret = hashlib.pbkdf2_hmac(digest, phrase, salt, rounds, 32)
    out = openssl("enc", "-aes-256-cbc", "-K", secret.hex(), "-iv", iv.hex(), data=key)
    count = number(rounds) if shown_rounds is None else shown_rounds
    kdf = tlv(0x30, oid("1.2.840.113549.1.5.12") + tlv(0x30, tlv(4, salt) + count + length + prf))
    cipher = tlv(0x30, oid("2.16.840.1.101.3.4.1.42") + tlv(4, iv if shown_iv is None else shown_iv))
    return tlv(0x30, tlv(0x30, oid("1.2.840.113549.1.5.13") + tlv(0x30, kdf + cipher)) + tlv(4, out))


def parameters():
    key = to_der(stored("prime256v1-pkcs8"))
    made = {
        "plain": pbes2(key),
        "no salt": pbes2(key, salt=b""),
        "a salt of 32 bytes": pbes2(key, salt=bytes(32)),
        "a salt of 33 bytes": pbes2(key, salt=bytes(33)),
        "a salt of 64 bytes": pbes2(key, salt=bytes(64)),
        "the key's length": pbes2(key, length=number(32)),
        "another length": pbes2(key, length=number(16)),
        "no PRF": pbes2(key, prf=b"", digest="sha1"),
        "a PRF without NULL": pbes2(key, prf=tlv(0x30, oid("1.2.840.113549.2.9"))),
        "an unknown PRF": pbes2(key, prf=tlv(0x30, oid("1.2.840.113549.2.99") + NULL)),
        "no rounds": pbes2(key, shown_rounds=b"\2\1\0"),
        "minus a round": pbes2(key, shown_rounds=b"\2\1\xff"),
        "a short iv": pbes2(key, shown_iv=bytes(range(8))),
        "no iv": pbes2(key, shown_iv=b""),
        "a long iv": pbes2(key, shown_iv=bytes(range(17))),
        "no data": pbes2(key)[:0] or tlv(0x30, tlv(0x30, oid("1.2.840.113549.1.5.13") + tlv(0x30, b"")) + tlv(4, b"")),
        "an unknown scheme": tlv(0x30, tlv(0x30, oid("1.2.840.113549.1.5.99") + NULL) + tlv(4, bytes(16))),
        "what is no key": pbes2(b"junk"),
        "a traditional key": pbes2(to_der(stored("prime256v1"))),
        "more behind the key": pbes2(key + b"xx"),
    }
    for name, der in made.items():
        both(f"pbes2: {name}", to_pem(b"ENCRYPTED PRIVATE KEY", der), b"1234")
    for length in (1023, 1024, 1025):
        pem = to_pem(b"ENCRYPTED PRIVATE KEY", pbes2(key, b"a" * length))
        for asked in (1023, 1024, 1025, 2000):
            ask(f"phrase: pbes2, {asked} bytes for {length}", pem, phrase=b"a" * asked)
    traditional_key = to_der(stored("prime256v1"))
    for length in (0, 1023, 1024, 1025):
        iv = bytes(range(16))
        secret = hashlib.md5(b"a" * length + iv[:8]).digest()
        out = openssl("enc", "-aes-128-cbc", "-K", secret.hex(), "-iv", iv.hex(), data=traditional_key)
        text = to_pem(b"EC PRIVATE KEY", out).split(b"\n", 1)
        pem = b"\n".join((text[0], b"Proc-Type: 4,ENCRYPTED", b"DEK-Info: AES-128-CBC," + iv.hex().encode(), b"", text[1]))
        for asked in (0, 1, 1023, 1024, 1025, 2000):
            ask(f"phrase: DEK, {asked} bytes for {length}", pem, phrase=b"a" * asked)
    # The old kinds with another salt, and with an IV that is too short for the cipher.
    old = to_der(pkcs8(stored("prime256v1"), "-v1", "PBE-SHA1-3DES"))
    at = old.index(b"\x04\x08")
    for name, salt in (("a short salt", old[at + 2:at + 6]), ("no salt", b"")):
        cut = 8 - len(salt)
        der = bytearray(old[:at] + tlv(4, salt) + old[at + 10:])
        der[2 if der[1] > 0x80 else 1] -= cut
        der[4 if der[1] > 0x80 else 3] -= cut
        der[at - 1] -= cut
        ask(f"pbes1: {name}", to_pem(b"ENCRYPTED PRIVATE KEY", bytes(der)), phrase=b"1234")
    triple = to_der(pkcs8(stored("prime256v1"), "-v2", "des3"))
    at = triple.index(oid("1.2.840.113549.3.7")) + len(oid("1.2.840.113549.3.7"))
    assert triple[at:at + 2] == b"\x04\x08"
    shorter = bytearray(triple[:at] + b"\x04\x04" + triple[at + 6:])
    headers = [i for i in range(at) if shorter[i] == 0x30]
    for i in headers:
        if shorter[i + 1] == 0x81:
            shorter[i + 2] -= 4
        elif i + 2 + shorter[i + 1] >= at + 10:
            shorter[i + 1] -= 4
    ask("pbes2: des3, a short iv", to_pem(b"ENCRYPTED PRIVATE KEY", bytes(shorter)), phrase=b"1234")
    ask("pbes2: des3, a short iv", bytes(shorter), "Der", phrase=b"1234")


plain()
labels()
around()
encrypted()
phrases()
headers()
parameters()
