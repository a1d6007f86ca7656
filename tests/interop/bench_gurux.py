# SPDX-License-Identifier: GPL-2.0-only
"""The reference workloads, done by gurux-dlms.

    bench_gurux.py FOLDER    the inputs, as benches/src/bin/write_inputs.rs writes them

Prints `gurux-dlms WORKLOAD NANOSECONDS` for one frame or profile: processor time, the median.
"""

import pathlib
import statistics
import sys
import time

from gurux_dlms import GXByteBuffer, GXReplyData
from gurux_dlms.enums import Authentication, InterfaceType, Security
from gurux_dlms.secure import GXDLMSSecureClient

RUNS = 5
FOLDER = pathlib.Path(sys.argv[1])


def client(interface):
    made = GXDLMSSecureClient(True, 16, 1, Authentication.NONE, None, interface)
    # The streams begin in the middle of nothing: which number is next is not asked.
    made.settings.checkFrame = lambda *_: True
    return made


def frames(stream):
    at = 0  # of a frame, which has two flags of its own
    while at < len(stream):
        length = ((stream[at + 1] & 7) << 8) + stream[at + 2] + 2
        yield stream[at : at + length]
        at += length


def deframe(name):
    stream = list(frames((FOLDER / name).read_bytes()))
    reader = client(InterfaceType.HDLC)
    start = time.process_time()
    for frame in stream:
        reply = GXReplyData()
        reader.getData(GXByteBuffer(frame), reply, None)
        assert reply.value, "an answer came out"
    return (time.process_time() - start) * 1e9 / len(stream)


def decode(name):
    frame = (FOLDER / name).read_bytes()
    reader = client(InterfaceType.WRAPPER)
    if name.startswith("w3"):
        reader.ciphering.security = Security.AUTHENTICATION_ENCRYPTION
        reader.ciphering.systemTitle = bytearray(b"CLIENT01")
        reader.ciphering.blockCipherKey = bytearray(range(16))
        reader.ciphering.authenticationKey = bytearray(range(0xD0, 0xE0))
        reader.settings.sourceSystemTitle = b"MDM12345"
    reply = GXReplyData()
    start = time.process_time()
    reader.getData(GXByteBuffer(frame), reply, None)
    took = time.process_time() - start
    assert len(reply.value) == 1000, "the rows came out"
    return took * 1e9


def measure(workload, work, name):
    print("gurux-dlms", workload, f"{statistics.median(work(name) for _ in range(RUNS)):.1f}", flush=True)


measure("w1_frames_of_128_octets", deframe, "w1_128.bin")
measure("w1_frames_of_2030_octets", deframe, "w1_2030.bin")
measure("w2_1000_rows_to_columns", decode, "w2_wrapped.bin")
measure("w3_1000_rows_deciphered", decode, "w3_wrapped.bin")
