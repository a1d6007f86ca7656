#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-only
#
# A work using gurux-dlms, which is GPL-2.0. The tests run it as a program of its own beside ours;
# it is linked into nothing, copied into nothing and shipped with nothing.
"""What gurux-dlms calls logical names and units.

    gurux_names.py FILE

FILE has a logical name a line, A.B.C.D.E.F. For each a line comes out: what the converter calls it,
or nothing. Then come 256 lines: what the units 0 to 255 are called, or nothing.
"""
import sys

from gurux_dlms.GXDLMSConverter import GXDLMSConverter
from gurux_dlms.enums import ObjectType, Unit

# What it says where it has no name.
NONE = ("Invalid", "Man. specific", "Manufacturer specific", "Man. spec. abstract object")

converter = GXDLMSConverter()
for line in open(sys.argv[1]):
    said = converter.getDescription(line.strip(), ObjectType.NONE)
    named = [text for text in said[:1] if not text.endswith(NONE)]
    print(" ".join(" ".join(named).split()))
known = {int(unit): unit.name for unit in Unit}
for code in range(256):
    print(known.get(code, ""))
