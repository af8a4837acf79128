#!/usr/bin/env python3
"""Asks the library `libcrypto` what is wrong with chains of certificates.

    python3 openssl.py < CASES

Each line of CASES is a case, fields parted by tabs:

    PURPOSE TIME HOST CHAIN TRUSTED
        PURPOSE: `any`, `server` or `client`. TIME: seconds since 1970. HOST may be empty. CHAIN, the leaf first, and
        TRUSTED are certificates: the base64 of their DER, parted by commas.

The first line of the answer is the library's version. Then there is a line for each case: the errors, as Qt names them and
in the order in which Qt tells them, each with its depth (`HostNameMismatch@0 CertificateExpired@1`), or `null` if the leaf
cannot be read. What Qt does not tell apart has OpenSSL's number as well (`UnspecifiedError(47)@0`). A case's line is empty if nothing is wrong. The exit status is 77, with a reason, if there is no library.
"""

import base64
import ctypes
import ctypes.util
import sys
from ctypes import c_char_p, c_int, c_long, c_size_t, c_uint, c_ulong, c_void_p

# Qt's names for the errors that it tells apart.
NAMES = {2: "UnableToGetIssuerCertificate", 4: "UnableToDecryptCertificateSignature", 6: "UnableToDecodeIssuerPublicKey",
         7: "CertificateSignatureFailed", 9: "CertificateNotYetValid", 10: "CertificateExpired", 13: "InvalidNotBeforeField",
         14: "InvalidNotAfterField", 18: "SelfSignedCertificate", 19: "SelfSignedCertificateInChain",
         20: "UnableToGetLocalIssuerCertificate", 21: "UnableToVerifyFirstCertificate", 23: "CertificateRevoked",
         25: "PathLengthExceeded", 26: "InvalidPurpose", 27: "CertificateUntrusted", 28: "CertificateRejected",
         79: "InvalidCaCertificate"}
ALWAYS_CHECK_SUBJECT = 1
SECURITY_LEVEL = 2

FUNCTIONS = {
    "d2i_X509": (c_void_p, c_void_p, ctypes.POINTER(c_void_p), c_long), "X509_free": (None, c_void_p),
    "X509_get0_notAfter": (c_void_p, c_void_p), "X509_cmp_time": (c_int, c_void_p, ctypes.POINTER(c_long)),
    "X509_check_host": (c_int, c_void_p, c_char_p, c_size_t, c_uint, c_void_p),
    "X509_check_ip_asc": (c_int, c_void_p, c_char_p, c_uint),
    "X509_STORE_new": (c_void_p,), "X509_STORE_free": (None, c_void_p), "X509_STORE_add_cert": (c_int, c_void_p, c_void_p),
    "X509_STORE_CTX_new": (c_void_p,), "X509_STORE_CTX_free": (None, c_void_p),
    "X509_STORE_CTX_init": (c_int, c_void_p, c_void_p, c_void_p, c_void_p),
    "X509_STORE_CTX_set_default": (c_int, c_void_p, c_char_p), "X509_STORE_CTX_get0_param": (c_void_p, c_void_p),
    "X509_STORE_CTX_get_error": (c_int, c_void_p), "X509_STORE_CTX_get_error_depth": (c_int, c_void_p),
    "X509_VERIFY_PARAM_set_time": (None, c_void_p, c_long), "X509_VERIFY_PARAM_set_depth": (None, c_void_p, c_int),
    "X509_VERIFY_PARAM_set_auth_level": (None, c_void_p, c_int), "X509_verify_cert": (c_int, c_void_p),
    "OPENSSL_sk_new_null": (c_void_p,), "OPENSSL_sk_push": (c_int, c_void_p, c_void_p), "OPENSSL_sk_free": (None, c_void_p),
    "ERR_clear_error": (None,), "OpenSSL_version": (c_char_p, c_int), "OpenSSL_version_num": (c_ulong,),
}
CALLBACK = ctypes.CFUNCTYPE(c_int, c_int, c_void_p)


def load():
    """The library, or None, and its version or what is missing."""
    try:
        lib = ctypes.CDLL(ctypes.util.find_library("crypto") or "libcrypto.so.3")
        for name, (result, *arguments) in FUNCTIONS.items():
            function = getattr(lib, name)
            function.restype, function.argtypes = result, arguments
        lib.X509_STORE_CTX_set_verify_cb.argtypes = [c_void_p, CALLBACK]
    except (OSError, AttributeError) as error:
        return None, str(error)
    if lib.OpenSSL_version_num() >> 28 != 3:
        return None, f"{lib.OpenSSL_version(0).decode()} is not of version 3"
    return lib, lib.OpenSSL_version(0).decode()


LIB, VERSION = load()


def read(der):
    start = ctypes.create_string_buffer(der, len(der))
    at = c_void_p(ctypes.addressof(start))
    read = LIB.d2i_X509(None, ctypes.byref(at), len(der))
    if read and at.value != ctypes.addressof(start) + len(der):
        LIB.X509_free(read)
        return None
    return read


def verify(purpose, time, host, chain, trusted, depth=0):
    """All errors, for DER."""
    sent = [read(der) for der in chain]
    roots = [read(der) for der in trusted]
    try:
        return verify_read(purpose, time, host, sent, roots, depth)
    finally:
        for one in sent + roots:
            if one:
                LIB.X509_free(one)
        LIB.ERR_clear_error()


def verify_read(purpose, time, host, sent, roots, depth):
    if not sent[0]:
        return "null"
    found = []
    if host and not (LIB.X509_check_ip_asc(sent[0], host.encode(), 0) == 1
                     or LIB.X509_check_host(sent[0], host.encode(), 0, ALWAYS_CHECK_SUBJECT, None) == 1):
        found.append("HostNameMismatch@0")
    store, context, stack = LIB.X509_STORE_new(), LIB.X509_STORE_CTX_new(), LIB.OPENSSL_sk_new_null()
    now = c_long(time)
    for root in roots:
        # Qt adds no root that has expired.
        if root and LIB.X509_cmp_time(LIB.X509_get0_notAfter(root), ctypes.byref(now)) > 0:
            LIB.X509_STORE_add_cert(store, root)
    for one in sent[1:]:
        if one:
            LIB.OPENSSL_sk_push(stack, one)
    LIB.X509_STORE_CTX_init(context, store, sent[0], stack)
    if purpose != "any":
        LIB.X509_STORE_CTX_set_default(context, f"ssl_{purpose}".encode())
    parameters = LIB.X509_STORE_CTX_get0_param(context)
    LIB.X509_VERIFY_PARAM_set_time(parameters, time)
    if purpose != "any":
        LIB.X509_VERIFY_PARAM_set_auth_level(parameters, SECURITY_LEVEL)
    if depth:
        LIB.X509_VERIFY_PARAM_set_depth(parameters, depth)

    @CALLBACK
    def note(is_fine, context):
        if not is_fine:
            code, depth = LIB.X509_STORE_CTX_get_error(context), LIB.X509_STORE_CTX_get_error_depth(context)
            found.append(f"{NAMES.get(code, f'UnspecifiedError({code})')}@{depth}")
        return 1

    LIB.X509_STORE_CTX_set_verify_cb(context, note)
    if LIB.X509_verify_cert(context) != 1:
        # It gave up without asking the callback.
        found.append("UnspecifiedError@-")
    LIB.X509_STORE_CTX_free(context)
    LIB.OPENSSL_sk_free(stack)
    LIB.X509_STORE_free(store)
    return " ".join(found)


def main():
    if not LIB:
        print(f"there is no libcrypto: {VERSION}")
        return 77
    lines, answers = sys.stdin.read().split("\n"), [VERSION]
    for line in filter(None, lines):
        purpose, time, host, *lists = line.split("\t")
        chain, trusted = ([base64.b64decode(one) for one in text.split(",") if one] for text in lists)
        answers.append(verify(purpose, int(time), host, chain, trusted))
    print("\n".join(answers))
    return 0


if __name__ == "__main__":
    sys.exit(main())
