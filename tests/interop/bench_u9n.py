# SPDX-License-Identifier: MIT OR Apache-2.0
"""The reference workloads, done by dlms-cosem.

    bench_u9n.py FOLDER    the inputs, as benches/src/bin/write_inputs.rs writes them

Prints `dlms-cosem WORKLOAD NANOSECONDS` for one frame or profile: processor time, the median.
"""

import pathlib
import statistics
import sys
import time

from dlms_cosem.hdlc.frames import InformationFrame
from dlms_cosem.protocol.wrappers import WrapperProtocolDataUnit
from dlms_cosem.protocol.xdlms import GeneralGlobalCipher, GetResponseFactory
from dlms_cosem.security import decrypt
from dlms_cosem.utils import parse_as_dlms_data

RUNS = 5
FOLDER = pathlib.Path(sys.argv[1])
EK, AK = bytes(range(16)), bytes(range(0xD0, 0xE0))


def frames(stream):
    at = 0  # of a frame, which has two flags of its own
    while at < len(stream):
        length = ((stream[at + 1] & 7) << 8) + stream[at + 2] + 2
        yield stream[at : at + length]
        at += length


def deframe(name):
    stream = list(frames((FOLDER / name).read_bytes()))
    start = time.process_time()
    for frame in stream:
        assert InformationFrame.from_bytes(frame).payload, "an answer came out"
    return (time.process_time() - start) * 1e9 / len(stream)


def decode(name):
    frame = (FOLDER / name).read_bytes()
    start = time.process_time()
    apdu = WrapperProtocolDataUnit.from_bytes(frame).data
    if name.startswith("w3"):
        sealed = GeneralGlobalCipher.from_bytes(apdu)
        apdu = decrypt(sealed.security_control, sealed.system_title, sealed.invocation_counter,
                       EK, sealed.ciphered_text, AK)
    rows = parse_as_dlms_data(GetResponseFactory.from_bytes(apdu).data)
    took = time.process_time() - start
    assert len(rows) == 1000, "the rows came out"
    return took * 1e9


def measure(workload, work, name):
    print("dlms-cosem", workload, f"{statistics.median(work(name) for _ in range(RUNS)):.1f}", flush=True)


measure("w1_frames_of_128_octets", deframe, "w1_128.bin")
measure("w1_frames_of_2030_octets", deframe, "w1_2030.bin")
measure("w2_1000_rows_to_columns", decode, "w2_wrapped.bin")
measure("w3_1000_rows_deciphered", decode, "w3_wrapped.bin")
