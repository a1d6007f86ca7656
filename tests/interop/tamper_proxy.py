#!/usr/bin/env python3
# SPDX-License-Identifier: MIT OR Apache-2.0
"""A man in the middle on wrapper framing (IEC 62056-47): tamper_proxy.py LISTEN TARGET MODE

tag     flips a bit of the GCM tag of every ciphered answer
text    flips a bit of the ciphertext
replay  lets the first ciphered answer through and sends it again in place of every later one
strip   answers a ciphered GET in plain, with a value nobody measured

The HLS answer (the first ciphered message of an association) and long messages pass unaltered: an
attack on them would only stop the association. Prints "ready" when it listens and one line for each
message it alters.
"""
import asyncio
import struct
import sys

GLO_GET_RESPONSE, GLO_ACTION_RESPONSE, GENERAL_GLO_CIPHERING = 0xCC, 0xCF, 0xDB
HEADER_LEN = 8
LONG_MESSAGE_LEN = 120
FORGED_GET_RESPONSE = bytes.fromhex("c401c1000600bc614e")  # double-long-unsigned 12345678


async def read_wpdu(reader):
    header = await reader.readexactly(HEADER_LEN)
    (length,) = struct.unpack(">H", header[6:])
    return header, await reader.readexactly(length)


def altered(mode, apdu, first):
    forged = bytearray(apdu)
    if mode == "tag":
        forged[-1] ^= 1
    elif mode == "text":
        forged[-14] ^= 1  # the tag is the last 12 octets
    elif mode == "replay":
        forged = bytearray(first or apdu)
    elif mode == "strip":
        forged = bytearray(FORGED_GET_RESPONSE)
    return bytes(forged)


async def relay(client, client_out, target_port, mode):
    meter, meter_out = await asyncio.open_connection("127.0.0.1", target_port)
    first = None  # the first value that passed: what `replay` repeats
    ciphered = 0
    try:
        while True:
            header, apdu = await read_wpdu(client)
            meter_out.write(header + apdu)
            header, apdu = await read_wpdu(meter)
            tag = apdu[0]
            ciphered += tag in (GLO_GET_RESPONSE, GLO_ACTION_RESPONSE, GENERAL_GLO_CIPHERING)
            is_value = tag in (GLO_GET_RESPONSE, GENERAL_GLO_CIPHERING)
            if is_value and ciphered > 1 and len(apdu) < LONG_MESSAGE_LEN:
                forged = altered(mode, apdu, first)
                first = first or apdu
                print(mode, apdu.hex(), "->", forged.hex(), flush=True)
                apdu = forged
            client_out.write(header[:6] + struct.pack(">H", len(apdu)) + apdu)
    except (asyncio.IncompleteReadError, ConnectionError):
        pass
    finally:
        client_out.close()
        meter_out.close()


async def main():
    listen_port, target_port, mode = int(sys.argv[1]), int(sys.argv[2]), sys.argv[3]
    if mode not in ("tag", "text", "replay", "strip"):
        sys.exit(f"unknown mode {mode}: tag, text, replay or strip")
    await asyncio.start_server(
        lambda reader, writer: relay(reader, writer, target_port, mode), "127.0.0.1", listen_port
    )
    print("ready", mode, f"127.0.0.1:{listen_port}", flush=True)
    await asyncio.Event().wait()


if __name__ == "__main__":
    asyncio.run(main())
