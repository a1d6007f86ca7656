# SPDX-License-Identifier: GPL-2.0-only
"""Decodes the get-response of a wrapper frame with gurux-dlms, over and over.

    bench_gurux.py FRAME_FILE     prints microseconds of processor time, the median of 9 runs
"""

import statistics
import sys
import time

from gurux_dlms import GXByteBuffer, GXDLMSClient, GXReplyData
from gurux_dlms.enums import Authentication, InterfaceType


def run(frame):
    client = GXDLMSClient(True, 16, 1, Authentication.NONE, None, InterfaceType.WRAPPER)
    reply = GXReplyData()
    start = time.process_time()
    client.getData(GXByteBuffer(frame), reply, None)
    took = time.process_time() - start
    assert len(reply.value) == 1000, "the rows came out"
    return took * 1e6


with open(sys.argv[1], "rb") as file:
    FRAME = file.read()
print(f"{statistics.median(run(FRAME) for _ in range(9)):.0f}")
