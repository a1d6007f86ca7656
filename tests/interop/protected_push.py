#!/usr/bin/env python3
# SPDX-License-Identifier: MIT OR Apache-2.0
"""Protects APDUs with general-ciphering and general-signing, on the package `cryptography`
(OpenSSL): what a meter of suite 1 or 2 pushes, made without any of our code.

protected_push.py FILE

Each line of the file is a JSON object, and is answered with an APDU in hexadecimal:

plain         the APDU, in hexadecimal
originator, recipient, transaction   of all layers
layers        objects, the innermost first:
  {"kind": "sign", "suite": 1, "key": PRIVATE}
  {"kind": "cipher", "suite": 0, "protection": 48, "counter": 1, "ek", "ak", "how": "identified"}
    "how": "wrapped" with "kek" and "ek", the key that is wrapped
    "how": "1e1s" with "peer" and "sign", the private keys of recipient and signer, and "ephemeral"
    "how": "0e2s" with "own" and "peer", the private keys of originator and recipient
"""
import json
import sys

from cryptography.hazmat.primitives import hashes, keywrap
from cryptography.hazmat.primitives.asymmetric import ec, utils
from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes

CURVES = {1: (ec.SECP256R1(), hashes.SHA256(), 32), 2: (ec.SECP384R1(), hashes.SHA384(), 48)}


def field(octets):
    length = len(octets)
    if length < 0x80:
        return bytes([length]) + octets
    if length < 0x100:
        return bytes([0x81, length]) + octets
    return b"\x82" + length.to_bytes(2, "big") + octets


def private(suite, digits):
    return ec.derive_private_key(int(digits, 16), CURVES[suite][0])


def pair(suite, first, second):
    length = CURVES[suite][2]
    return first.to_bytes(length, "big") + second.to_bytes(length, "big")


def signature(suite, digits, message):
    der = private(suite, digits).sign(message, ec.ECDSA(CURVES[suite][1]))
    return pair(suite, *utils.decode_dss_signature(der))


def derive(suite, z, other_information):
    hasher = hashes.Hash(CURVES[suite][1])
    hasher.update(b"\0\0\0\1" + z + other_information)
    return hasher.finalize()[: 16 if suite == 1 else 32]


def key_and_info(layer, titles, transaction):
    suite, how = layer["suite"], layer["how"]
    if how == "identified":
        return bytes.fromhex(layer["ek"]), bytes.fromhex("010000")
    if how == "wrapped":
        key = bytes.fromhex(layer["ek"])
        wrapped = keywrap.aes_key_wrap(bytes.fromhex(layer["kek"]), key)
        return key, bytes.fromhex("010100") + field(wrapped)
    algorithm = bytes.fromhex("60857405080300" if suite == 1 else "60857405080301")
    peer = private(suite, layer["peer"]).public_key()
    if how == "1e1s":
        ephemeral = private(suite, layer["ephemeral"])
        point = ephemeral.public_key().public_numbers()
        public = pair(suite, point.x, point.y)
        key = derive(suite, ephemeral.exchange(ec.ECDH(), peer), algorithm + titles[0] + titles[1])
        data = public + signature(suite, layer["sign"], public)
        return key, bytes.fromhex("01020101") + field(data)
    z = private(suite, layer["own"]).exchange(ec.ECDH(), peer)
    other_information = algorithm + titles[0] + field(transaction) + titles[1]
    return derive(suite, z, other_information), bytes.fromhex("0102010200")


def protect(request):
    apdu = bytes.fromhex(request["plain"])
    titles = [bytes.fromhex(request[name]) for name in ("originator", "recipient")]
    transaction = bytes.fromhex(request["transaction"])
    front = field(transaction) + field(titles[0]) + field(titles[1]) + field(b"") + field(b"")
    for layer in request["layers"]:
        if layer["kind"] == "sign":
            signed = front + field(apdu)
            apdu = b"\xdf" + signed + field(signature(layer["suite"], layer["key"], signed))
            continue
        key, info = key_and_info(layer, titles, transaction)
        control = bytes([layer["protection"] | layer["suite"]])
        counter = layer["counter"].to_bytes(4, "big")
        gcm = modes.GCM(titles[0] + counter)
        encryptor = Cipher(algorithms.AES(key), gcm).encryptor()
        aad = control + bytes.fromhex(layer["ak"]) + front
        if layer["protection"] & 0x20:
            encryptor.authenticate_additional_data(aad)
            text = encryptor.update(apdu)
        else:
            encryptor.authenticate_additional_data(aad + apdu)
            text = apdu
        encryptor.finalize()
        tag = encryptor.tag[:12] if layer["protection"] & 0x10 else b""
        apdu = b"\xdd" + front + info + field(control + counter + text + tag)
    return apdu


for line in open(sys.argv[1], encoding="ascii"):
    print(protect(json.loads(line)).hex())
