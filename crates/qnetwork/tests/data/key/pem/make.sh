#!/bin/sh
# Makes the keys of this folder anew, with OpenSSL 3. They protect nothing.
set -e
cd "$(dirname "$0")"
openssl genrsa -traditional -out rsa.pem 1024
openssl pkcs8 -topk8 -nocrypt -in rsa.pem -out rsa-pkcs8.pem
openssl rsa -in rsa.pem -pubout -out rsa-public.pem
openssl pkcs8 -topk8 -in rsa.pem -passout pass:1234 -out rsa-encrypted.pem
openssl pkcs8 -topk8 -scrypt -scrypt_N 1024 -in rsa.pem -passout pass:1234 -out rsa-scrypt.pem
openssl pkcs8 -topk8 -v1 PBE-SHA1-3DES -in rsa.pem -passout pass:1234 -out rsa-pbes1.pem
openssl rsa -traditional -aes128 -in rsa.pem -passout pass:1234 -out rsa-old-encryption.pem
for curve in prime256v1 secp384r1 secp521r1 secp256k1; do
    openssl ecparam -name $curve -genkey -noout -out $curve.pem
    openssl pkcs8 -topk8 -nocrypt -in $curve.pem -out $curve-pkcs8.pem
    openssl ec -in $curve.pem -pubout -out $curve-public.pem
done
{ openssl ecparam -name prime256v1; cat prime256v1.pem; } > prime256v1-with-parameters.pem
openssl pkcs8 -topk8 -in prime256v1.pem -passout pass:1234 -out prime256v1-encrypted.pem
openssl genpkey -algorithm ed25519 -out ed25519.pem
openssl pkey -in ed25519.pem -pubout -out ed25519-public.pem
openssl genpkey -algorithm x25519 -out x25519.pem
openssl dsaparam -genkey -noout -out dsa-pkcs8.pem 1024
openssl dsa -in dsa-pkcs8.pem -out dsa.pem -traditional 2>/dev/null || openssl pkey -in dsa-pkcs8.pem -traditional -out dsa.pem
openssl dsa -in dsa-pkcs8.pem -pubout -out dsa-public.pem
for key in rsa dsa prime256v1 secp384r1 ed25519; do
    openssl req -x509 -new -key $key.pem -sha256 -subj /CN=a.example -days 36500 \
        -out $key-certificate.pem
done
openssl genpkey -genparam -algorithm DH -pkeyopt dh_paramgen_prime_len:512 -out dh-parameters.pem
openssl genpkey -paramfile dh-parameters.pem -out dh.pem
rm dh-parameters.pem
openssl pkey -in dh.pem -pubout -out dh-public.pem
