#!/bin/sh
# Writes goldens.tsv: certificates (NAME, DER), and what their keys have signed (NAME, scheme, signature), by openssl.
set -e
cd "$(dirname "$0")"
work=$(mktemp -d)
printf 'what is signed' > "$work/message"
certificate() { # NAME, how to make the key
    name=$1; shift
    openssl req -x509 -newkey "$@" -nodes -keyout "$work/$name.key" -out "$work/$name.crt" -subj /CN=localhost \
        -days 36500 2> "$work/log" || { cat "$work/log" >&2; exit 1; }
    printf '%s\t%s\n' "$name" "$(openssl x509 -in "$work/$name.crt" -outform DER | base64 -w0)"
}
signed() { # NAME, SCHEME, how to sign
    name=$1 scheme=$2; shift 2
    openssl pkeyutl -sign -rawin -in "$work/message" -inkey "$work/$name.key" -out "$work/signature" "$@"
    printf '%s\t%s\t%s\n' "$name" "$scheme" "$(base64 -w0 < "$work/signature")"
}
rsa() { # NAME, SCHEME, hash, padding
    case $4 in
        pkcs1) signed "$1" "$2" -digest "$3" ;;
        *) signed "$1" "$2" -digest "$3" -pkeyopt rsa_padding_mode:pss -pkeyopt "rsa_pss_saltlen:$4" ;;
    esac
}
{
    certificate rsa512 rsa:512
    rsa rsa512 0401 sha256 pkcs1
    for bits in 1023 1024 1025 1536 2047 2048; do
        name=rsa$bits
        certificate $name rsa:$bits
        rsa $name 0401 sha256 pkcs1
        rsa $name 0501 sha384 pkcs1
        rsa $name 0601 sha512 pkcs1
        rsa $name 0804 sha256 32
        rsa $name 0805 sha384 48
        [ $bits -lt 1042 ] || rsa $name 0806 sha512 64
    done
    # Salts of other lengths, which TLS does not allow.
    rsa rsa1024 0804 sha256 20
    rsa rsa2048 0804 sha256 20
    certificate pss1024 rsa-pss -pkeyopt rsa_keygen_bits:1024
    rsa pss1024 0809 sha256 32
    certificate pss rsa-pss
    rsa pss 0809 sha256 32
    rsa pss 080a sha384 48
    rsa pss 080b sha512 64
    certificate pss384 rsa-pss -pkeyopt rsa_pss_keygen_md:sha384 -pkeyopt rsa_pss_keygen_mgf1_md:sha384 \
        -pkeyopt rsa_pss_keygen_saltlen:48
    rsa pss384 080a sha384 48
    for curve in P-256 P-384 P-521 secp256k1; do
        certificate $curve ec -pkeyopt ec_paramgen_curve:$curve
        signed $curve 0403 -digest sha256
        signed $curve 0503 -digest sha384
        signed $curve 0603 -digest sha512
    done
    certificate ed25519 ed25519
    signed ed25519 0807
    certificate ed448 ed448
    signed ed448 0808
} > goldens.tsv
rm -r "$work"
