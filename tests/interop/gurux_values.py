#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-only
#
# A work using gurux-dlms, which is GPL-2.0. The tests run it as a program of its own beside ours;
# it is linked into nothing, copied into nothing and shipped with nothing.
"""Tables of G3-PLC as gurux-dlms writes them, as JSON: "CLASS/ATTRIBUTE" and the octets in hex. Each
has one row, whose integers are 1, 2, 3 in the order in which this script names the fields."""
import json

from gurux_dlms import GXDLMSClient, ValueEventArgs
from gurux_dlms.objects import GXDLMSG3Plc6LoWPan, GXDLMSG3PlcMacSetup
from gurux_dlms.objects.enums import Modulation
from gurux_dlms.objects.GXDLMSBroadcastLogTable import GXDLMSBroadcastLogTable
from gurux_dlms.objects.GXDLMSContextInformationTable import GXDLMSContextInformationTable
from gurux_dlms.objects.GXDLMSMacPosTable import GXDLMSMacPosTable
from gurux_dlms.objects.GXDLMSNeighbourTable import GXDLMSNeighbourTable
from gurux_dlms.objects.GXDLMSRoutingConfiguration import GXDLMSRoutingConfiguration
from gurux_dlms.objects.GXDLMSRoutingTable import GXDLMSRoutingTable


def row(kind, fields):
    made = kind()
    for number, field in enumerate(fields.split(), 1):
        setattr(made, field, number)
    return made


mac, adaptation = GXDLMSG3PlcMacSetup(), GXDLMSG3Plc6LoWPan()
neighbour = row(GXDLMSNeighbourTable, "shortAddress enabled toneMap modulation txGain txRes "
                "txCoeff lqi phaseDifferential tmrValidTime neighbourValidTime")
neighbour.enabled, neighbour.toneMap, neighbour.txCoeff = True, "101010", "11110000"
neighbour.modulation = Modulation(2)
mac.neighbourTable = [neighbour]
mac.macPosTable = [row(GXDLMSMacPosTable, "shortAddress lQI validTime")]
configuration = row(GXDLMSRoutingConfiguration, "netTraversalTime routingTableEntryTtl kr km kc kq "
                    "kh krt rreqRetries rreqReqWait blacklistTableEntryTtl unicastRreqGenEnable "
                    "rlcEnabled addRevLinkCost")
configuration.unicastRreqGenEnable, configuration.rlcEnabled = True, False
adaptation.routingConfiguration = [configuration]
adaptation.routingTable = [row(GXDLMSRoutingTable, "destinationAddress nextHopAddress routeCost "
                               "hopCount weakLinkCount validTime")]
context = row(GXDLMSContextInformationTable, "cid context compression validLifetime")
context.cid, context.context, context.compression = "0001", bytes([0xFE, 0x80]), True
adaptation.contextInformationTable = [context]
adaptation.blacklistTable = [(1, 2)]
adaptation.broadcastLogTable = [row(GXDLMSBroadcastLogTable,
                                    "sourceAddress sequenceNumber validTime")]

client, written = GXDLMSClient(True), {}
for made, attributes in ((mac, (11, 25)), (adaptation, (6, 8, 9, 10, 11))):
    for attribute in attributes:
        octets = made.getValue(client.settings, ValueEventArgs(client, made, attribute))
        written[f"{int(made.objectType)}/{attribute}"] = bytes(octets).hex()
print(json.dumps(written))
