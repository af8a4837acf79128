#!/usr/bin/python3
"""Makes certificates signed in all kinds of ways with openssl, and records whether Qt accepts them.

    /usr/bin/python3 algorithms.py > algorithms.tsv

It needs PySide2 5.15 and OpenSSL 3. A line is the name of the way, the certificate and its issuer's in base64, and the
names of the errors that QSslCertificate.verify() lists when the issuer is trusted, separated by spaces.
"""

import base64
import os
import subprocess
import tempfile

from PySide2.QtCore import QByteArray
from PySide2.QtNetwork import QSsl, QSslCertificate, QSslConfiguration, QSslError

NAMES = {int(value): name for name, value in QSslError.SslError.values.items()}


def openssl(*args):
    subprocess.run(["openssl", *args], check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, timeout=60)


def curve(name):
    return ["ecparam", "-name", name, "-genkey", "-noout", "-out", "ca.key"]


def generated(*how):
    return ["genpkey", "-algorithm", *how, "-out", "ca.key"]


RSA = generated("RSA", "-pkeyopt", "rsa_keygen_bits:2048")
WAYS = [("RSA SHA-256", RSA, ["-sha256"]), ("RSA SHA-224", RSA, ["-sha224"])]
for salt in ("20", "32", "48", "max"):
    pss = ["-sigopt", "rsa_padding_mode:pss", "-sigopt", f"rsa_pss_saltlen:{salt}"]
    WAYS.append((f"RSA-PSS SHA-256, salt {salt}", RSA, ["-sha256", *pss]))
WAYS.append(("RSA-PSS SHA-224, salt 28", RSA, ["-sha224", "-sigopt", "rsa_padding_mode:pss", "-sigopt",
                                               "rsa_pss_saltlen:28"]))
# Keys for PSS alone, without and with a say in the hash and the salt.
PSS_KEY = generated("RSA-PSS", "-pkeyopt", "rsa_keygen_bits:2048")
LIMITED = generated("RSA-PSS", "-pkeyopt", "rsa_keygen_bits:2048", "-pkeyopt", "rsa_pss_keygen_md:sha384", "-pkeyopt",
                    "rsa_pss_keygen_mgf1_md:sha384", "-pkeyopt", "rsa_pss_keygen_saltlen:48")
for digest, salt in (("256", 32), ("384", 48), ("512", 64)):
    pss = ["-sigopt", "rsa_padding_mode:pss", "-sigopt", f"rsa_pss_saltlen:{salt}"]
    WAYS.append((f"RSA-PSS key SHA-{digest}, salt {salt}", PSS_KEY, [f"-sha{digest}", *pss]))
WAYS.append(("RSA-PSS key for SHA-384 alone, SHA-384, salt 48", LIMITED, ["-sha384", "-sigopt", "rsa_padding_mode:pss",
                                                                          "-sigopt", "rsa_pss_saltlen:48"]))
for name in ("prime192v1", "secp224r1", "prime256v1", "secp256k1", "secp384r1", "secp521r1", "brainpoolP256r1"):
    for digest in ("sha224", "sha256", "sha384", "sha512"):
        WAYS.append((f"{name} {digest}", curve(name), [f"-{digest}"]))
WAYS += [("Ed25519", generated("ED25519"), []), ("Ed448", generated("ED448"), [])]
DSA = ["dsaparam", "-genkey", "-noout", "-out", "ca.key", "2048"]
WAYS.append(("DSA SHA-256", DSA, ["-sha256"]))


def write(name, text):
    with open(name, "w") as file:
        file.write(text)


def der(name):
    with open(name, "rb") as file:
        return base64.b64encode(bytes(QSslCertificate(QByteArray(file.read()), QSsl.Pem).toDer())).decode()


with tempfile.TemporaryDirectory() as folder:
    os.chdir(folder)
    write("ca.ext", "basicConstraints=critical,CA:true\nkeyUsage=critical,keyCertSign\n")
    write("leaf.ext", "basicConstraints=CA:false\nsubjectAltName=DNS:a.example\n")
    openssl("req", "-new", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-keyout", "leaf.key",
            "-subj", "/CN=a.example", "-out", "leaf.csr")
    days = ["-days", "36500"]
    for name, make, sign in WAYS:
        openssl(*make)
        openssl("req", "-new", "-key", "ca.key", "-subj", "/CN=CA", "-out", "ca.csr")
        openssl("x509", "-req", "-in", "ca.csr", "-signkey", "ca.key", *sign, *days, "-extfile", "ca.ext", "-out", "ca.crt")
        openssl("x509", "-req", "-in", "leaf.csr", "-CA", "ca.crt", "-CAkey", "ca.key", "-set_serial", "2", *sign, *days,
                "-extfile", "leaf.ext", "-out", "leaf.crt")
        configuration = QSslConfiguration.defaultConfiguration()
        configuration.setCaCertificates(QSslCertificate.fromPath("ca.crt"))
        QSslConfiguration.setDefaultConfiguration(configuration)
        errors = QSslCertificate.verify(QSslCertificate.fromPath("leaf.crt"), "a.example")
        told = " ".join(NAMES[int(error.error())] for error in errors)
        print("\t".join((name, der("leaf.crt"), der("ca.crt"), told)))
