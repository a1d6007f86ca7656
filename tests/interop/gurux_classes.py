#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-only
#
# A work using gurux-dlms, which is GPL-2.0. The tests run it as a program of its own beside ours;
# it is linked into nothing, copied into nothing and shipped with nothing.
"""What gurux-dlms knows of each interface class, as JSON: one object for each class and for each
version up to the one that it makes by default, with the number of attributes and methods and the
types of the attributes. A type that depends on the value is 0 (null-data)."""
import json
from gurux_dlms import GXDLMSClient
from gurux_dlms.enums import ObjectType

found = []
for kind in ObjectType:
    made = GXDLMSClient.createObject(kind)
    # An object without a class of its own counts nothing.
    if type(made).__name__ == "GXDLMSObject":
        continue
    for version in range(made.version + 1):
        made = GXDLMSClient.createObject(kind)
        made.version = version
        attributes = made.getAttributeCount()
        found.append({
            "class": int(kind),
            "version": version,
            "attributes": attributes,
            "methods": made.getMethodCount(),
            "types": [int(made.getDataType(index)) for index in range(1, attributes + 1)],
        })
print(json.dumps(found))
