"""DER, written by hand, so that anything can be in it."""


def tlv(tag, *values):
    value = b"".join(values)
    length = len(value)
    if length < 128:
        head = bytes([length])
    else:
        digits = length.to_bytes((length.bit_length() + 7) // 8, "big")
        head = bytes([0x80 | len(digits)]) + digits
    return bytes([tag]) + head + value


def oid(text):
    first, second, *rest = (int(part) for part in text.split("."))
    out = []
    for number in [first * 40 + second] + rest:
        digits = [number & 127]
        while number > 127:
            number >>= 7
            digits.append(number & 127 | 128)
        out += digits[::-1]
    return tlv(0x06, bytes(out))


def sequence(*values):
    return tlv(0x30, *values)


def text(value):
    return tlv(0x0C, value.encode())


CN, O, OU = "2.5.4.3", "2.5.4.10", "2.5.4.11"
NULL = b"\5\0"


def rdn(*pairs):
    return tlv(0x31, *[sequence(oid(kind), text(value)) for kind, value in pairs])


def name(*rdns):
    return sequence(*rdns)


def extension(kind, value, critical=False):
    return sequence(oid(kind), tlv(0x01, b"\xff") if critical else b"", tlv(0x04, value))
