# SPDX-License-Identifier: MIT OR Apache-2.0
"""Decodes the get-response of a wrapper frame with dlms-cosem, over and over.

    bench_u9n.py FRAME_FILE     prints microseconds of processor time, the median of 9 runs
"""

import statistics
import sys
import time

from dlms_cosem.protocol.wrappers import WrapperProtocolDataUnit
from dlms_cosem.protocol.xdlms import GetResponseFactory
from dlms_cosem.utils import parse_as_dlms_data


def run(frame):
    start = time.process_time()
    apdu = WrapperProtocolDataUnit.from_bytes(frame).data
    rows = parse_as_dlms_data(GetResponseFactory.from_bytes(apdu).data)
    took = time.process_time() - start
    assert len(rows) == 1000, "the rows came out"
    return took * 1e6


with open(sys.argv[1], "rb") as file:
    FRAME = file.read()
print(f"{statistics.median(run(FRAME) for _ in range(9)):.0f}")
