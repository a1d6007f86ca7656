#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-only
#
# A work using gurux-dlms, which is GPL-2.0. The tests run it as a program of its own beside ours;
# it is linked into nothing, copied into nothing and shipped with nothing.
"""gurux-dlms as a client with its short-name option, with general block transfer, or with both,
and perhaps through a gateway or without AARQ.
 gurux_services.py --port 4059 --short-names
 gurux_services.py --port 4059 [--short-names] --gbt 5 --pdu 300
 gurux_services.py --port 4059 --gateway 0:1000
 gurux_services.py --port 4059 --pre-established 102 --unconfirmed-write
It cannot read answers that come in blocks of short names: asking for the next one, it leaves out
the tag. So without general block transfer, long answers must be refused.
Prints a line OK or FAIL for each step, and at the end: steps ok N failed M."""
import argparse
import datetime
import socket
import sys
import traceback

from gurux_dlms import GXByteBuffer, GXReplyData
from gurux_dlms.GXDLMSGateway import GXDLMSGateway
from gurux_dlms.GXDLMSSettings import GXDLMSSettings
from gurux_dlms.enums import Authentication, Conformance, DataType, InterfaceType, ServiceClass
from gurux_dlms.objects import (
    GXDLMSClock, GXDLMSData, GXDLMSDisconnectControl, GXDLMSProfileGeneric, GXDLMSRegister,
)
from gurux_dlms.secure import GXDLMSSecureClient

parser = argparse.ArgumentParser()
parser.add_argument("--port", type=int, required=True)
parser.add_argument("--framing", default="wrapper")
parser.add_argument("--short-names", action="store_true")
parser.add_argument("--gbt", type=int, default=0)
parser.add_argument("--pdu", type=int, default=0)
parser.add_argument("--gateway")
parser.add_argument("--pre-established", type=int)
parser.add_argument("--unconfirmed-write", action="store_true")
parser.add_argument("--trace", action="store_true")
options = parser.parse_args()

framing = InterfaceType.HDLC if options.framing == "hdlc" else InterfaceType.WRAPPER
sap = options.pre_established or 16
client = GXDLMSSecureClient(not options.short_names, sap, 1, Authentication.NONE, None, framing)
if options.pdu:
    client.maxReceivePDUSize = options.pdu
if options.gbt:
    # Names that its block transfer uses and its settings lack.
    GXDLMSSettings.blockNumber = property(
        lambda self: self.blockIndex, lambda self, number: setattr(self, "blockIndex", number))
    # Without the blocks of the services themselves, which a meter may prefer.
    own = (Conformance.BLOCK_TRANSFER_WITH_GET_OR_READ | Conformance.BLOCK_TRANSFER_WITH_SET_OR_WRITE
           | Conformance.BLOCK_TRANSFER_WITH_ACTION)
    proposed = int(client.proposedConformance) & ~int(own) | int(Conformance.GENERAL_BLOCK_TRANSFER)
    client.proposedConformance = Conformance(proposed)
    client.gbtWindowSize = options.gbt
if options.gateway:
    network, address = options.gateway.split(":")
    client.gateway = GXDLMSGateway()
    client.gateway.networkId = int(network)
    client.gateway.physicalDeviceAddress = bytearray(address.encode())
line = socket.create_connection(("127.0.0.1", options.port))
line.settimeout(5)
blocks = 0


def receive(reply):
    global blocks
    buffer = GXByteBuffer()
    notification = GXReplyData()
    while True:
        octets = line.recv(65536)
        if not octets:
            raise EOFError("the meter hung up")
        if options.trace:
            print("RX", octets.hex())
        # After the wrapper's header.
        blocks += octets[8:9] == b"\xe0"
        buffer.set(bytearray(octets))
        if client.getData(buffer, reply, notification):
            return


def exchange(frame, reply):
    if options.trace:
        print("TX", bytes(frame).hex())
    line.sendall(bytes(frame))
    receive(reply)
    while reply.isMoreData():
        if reply.isStreaming():
            receive(reply)
            continue
        frame = client.receiverReady(reply)
        if options.trace:
            print("TX", bytes(frame).hex())
        line.sendall(bytes(frame))
        receive(reply)
    if reply.error:
        raise RuntimeError("DLMS error %s" % reply.error)


def ask(frames):
    reply = GXReplyData()
    for frame in frames if isinstance(frames, list) else [frames]:
        exchange(frame, reply)
    return reply


def read(target, attribute):
    return client.updateValue(target, attribute, ask(client.read(target, attribute)).value)


ok = failed = 0


def step(name, do):
    global ok, failed
    try:
        value = do()
        ok += 1
        print("OK  ", name, "=", repr(value)[:100])
        return value
    except Exception as error:
        failed += 1
        print("FAIL", name, type(error).__name__, str(error)[:160])
        if options.trace:
            traceback.print_exc()
        return None


def connect():
    snrm = client.snrmRequest()
    if snrm:
        reply = GXReplyData()
        exchange(snrm, reply)
        client.parseUAResponse(reply.data)
    if options.pre_established:
        client.negotiatedConformance = client.proposedConformance
        return int(client.negotiatedConformance)
    client.parseAareResponse(ask(client.aarqRequest()).data)
    if options.gbt:
        return bool(client.negotiatedConformance & Conformance.GENERAL_BLOCK_TRANSFER)
    return int(client.negotiatedConformance)


step("connect", connect)
if failed:
    sys.exit(1)
objects = step("object list", lambda: client.parseObjects(ask(client.getObjectsRequest()).data, False))
names = {item.logicalName: item.shortName for item in objects or []}


def target(kind, logical_name):
    return kind(logical_name, names.get(logical_name, 0)) if options.short_names else kind(logical_name)


step("objects", lambda: len(objects))
register = target(GXDLMSRegister, "1.0.32.7.0.255")
step("scaler and unit", lambda: (read(register, 3), register.scaler)[1])
step("voltage", lambda: 200 < float(read(register, 2)) < 260)
clock = target(GXDLMSClock, "0.0.1.0.0.255")
step("clock", lambda: str(read(clock, 2)))
profile = target(GXDLMSProfileGeneric, "1.0.99.1.0.255")
step("profile columns", lambda: len(read(profile, 3)))


def rows(frames):
    return len(client.updateValue(profile, 2, ask(frames).value))


day = datetime.datetime(2026, 1, 3)
step("profile by range", lambda: rows(
    client.readRowsByRange(profile, day, day + datetime.timedelta(days=1))))
profile.buffer = []
step("profile by entry", lambda: rows(client.readRowsByEntry(profile, 10, 20)))
profile.buffer = []
step("profile", lambda: len(read(profile, 2)))
status = target(GXDLMSData, "0.0.96.10.1.255")


def write(value):
    status.setDataType(2, DataType.UINT8)
    status.value = value
    if options.unconfirmed_write:
        client.serviceClass = ServiceClass.UN_CONFIRMED
        for frame in client.write(status, 2):
            line.sendall(bytes(frame))
        client.serviceClass = ServiceClass.CONFIRMED
    else:
        ask(client.write(status, 2))
    return read(status, 2)


step("write", lambda: write(3))
disconnector = target(GXDLMSDisconnectControl, "0.0.96.3.10.255")


def state_after(frames):
    ask(frames)
    return read(disconnector, 3)


step("remote disconnect", lambda: state_after(disconnector.remoteDisconnect(client)))
step("remote reconnect", lambda: state_after(disconnector.remoteReconnect(client)))


def release():
    if options.pre_established:
        return
    for frame in client.releaseRequest() or []:
        ask(frame)


step("release", release)
print("general blocks received:", blocks)
print("steps ok %d failed %d" % (ok, failed))
