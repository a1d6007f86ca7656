#!/usr/bin/env python3
# SPDX-License-Identifier: MIT OR Apache-2.0
"""Computes what suites 1 and 2 compute, with the package `cryptography` (OpenSSL).

second_library.py FILE

The file has one request a line: a word and hexadecimal fields, `-` for an empty one.
Answers each with one line. A failure is answered with its name, so that it is compared too.

public CURVE PRIVATE                           x y
ecdh CURVE PRIVATE PUBLIC                      Z
derive CURVE Z OTHER-INFO LENGTH               the first octets of the hash
verify CURVE PUBLIC MESSAGE SIGNATURE          ok
sign CURVE PRIVATE MESSAGE                     r s
seal KEY IV AAD TEXT                           ciphertext and the first twelve octets of the tag
wrap KEK KEY                                   the wrapped key
"""
import sys

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes, keywrap
from cryptography.hazmat.primitives.asymmetric import ec, utils
from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes

CURVES = {"P-256": (ec.SECP256R1(), hashes.SHA256()), "P-384": (ec.SECP384R1(), hashes.SHA384())}


def octets(field):
    return b"" if field == "-" else bytes.fromhex(field)


def private(curve, field):
    return ec.derive_private_key(int(field, 16), CURVES[curve][0])


def public(curve, field):
    return ec.EllipticCurvePublicKey.from_encoded_point(CURVES[curve][0], b"\x04" + octets(field))


def digest(curve, message):
    hasher = hashes.Hash(CURVES[curve][1])
    hasher.update(message)
    return hasher.finalize()


def answer(word, fields):
    if word == "public":
        point = private(*fields).public_key().public_numbers()
        length = 32 if fields[0] == "P-256" else 48
        return point.x.to_bytes(length, "big") + point.y.to_bytes(length, "big")
    if word == "ecdh":
        curve, own, peer = fields
        return private(curve, own).exchange(ec.ECDH(), public(curve, peer))
    if word == "derive":
        curve, z, other_info, length = fields
        return digest(curve, b"\0\0\0\1" + octets(z) + octets(other_info))[: int(length)]
    if word == "verify":
        curve, key, message, signature = fields
        r_s = octets(signature)
        half = len(r_s) // 2
        der = utils.encode_dss_signature(
            int.from_bytes(r_s[:half], "big"), int.from_bytes(r_s[half:], "big")
        )
        public(curve, key).verify(der, octets(message), ec.ECDSA(CURVES[curve][1]))
        return b"ok"
    if word == "sign":
        curve, key, message = fields
        der = private(curve, key).sign(octets(message), ec.ECDSA(CURVES[curve][1]))
        length = 32 if curve == "P-256" else 48
        return b"".join(part.to_bytes(length, "big") for part in utils.decode_dss_signature(der))
    if word == "seal":
        key, iv, aad, text = map(octets, fields)
        cipher = Cipher(algorithms.AES(key), modes.GCM(iv)).encryptor()
        cipher.authenticate_additional_data(aad)
        return cipher.update(text) + cipher.finalize() + cipher.tag[:12]
    if word == "wrap":
        return keywrap.aes_key_wrap(*map(octets, fields))
    raise ValueError("unknown word")


for line in open(sys.argv[1]):
    word, *fields = line.split()
    try:
        print(answer(word, fields).hex(), flush=True)
    except (InvalidSignature, ValueError) as error:
        print(type(error).__name__, flush=True)
