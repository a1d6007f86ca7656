#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-only
#
# A work using gurux-dlms, which is GPL-2.0. The tests run it as a program of its own beside ours;
# it is linked into nothing, copied into nothing and shipped with nothing.
"""Reference client on pip gurux-dlms. Reads the objects a concentrator/meter must serve.
 gurux_client.py --port 4061 --framing wrapper --client 16 --auth none
 gurux_client.py --port 4061 --client 17 --auth low
 gurux_client.py --port 4061 --client 1 --auth gmac --security authenc [--suite 0|1]
 --sap N logical device (wrapper: destination wPort; HDLC: upper address)"""
import argparse, socket, struct, sys, time, datetime as dt
from gurux_dlms.secure import GXDLMSSecureClient
from gurux_dlms import GXReplyData, GXByteBuffer, GXDateTime
from gurux_dlms.enums import *
from gurux_dlms.objects import *
from gurux_dlms.objects.enums import SecuritySuite
from gurux_dlms.ecdsa import GXPrivateKey
EK = bytes(range(16)); AK = bytes(range(0xD0, 0xE0))
ap = argparse.ArgumentParser(); A = ap.add_argument
A("--host", default="127.0.0.1"); A("--port", type=int, default=4061); A("--framing", default="wrapper"); A("--client", type=int, default=16); A("--sap", type=int, default=1)
A("--auth", default="none"); A("--security", default="none"); A("--suite", type=int, default=0); A("--password", default="12345678"); A("--ic", type=int, default=int(time.time() * 1000) & 0x7FFFFFFF)
A("--trace", action="store_true"); A("--only"); A("--title", default="CLIENT01"); A("--secret", default="ABCDEFGHIJKLMNOP")
o = ap.parse_args()
auth = {"none": Authentication.NONE, "low": Authentication.LOW, "high": Authentication.HIGH, "md5": Authentication.HIGH_MD5, "sha1": Authentication.HIGH_SHA1, "gmac": Authentication.HIGH_GMAC, "sha256": Authentication.HIGH_SHA256, "ecdsa": Authentication.HIGH_ECDSA}[o.auth]
it = InterfaceType.HDLC if o.framing == "hdlc" else InterfaceType.WRAPPER
pw = o.password if o.auth == "low" else (o.secret if o.auth in ("high", "md5", "sha1", "sha256") else None)
c = GXDLMSSecureClient(True, o.client, o.sap, auth, pw, it)
if o.security != "none" or o.auth in ("gmac", "ecdsa", "sha256"):
    c.ciphering.systemTitle = bytearray(o.title.encode()); c.ciphering.blockCipherKey = bytearray(EK); c.ciphering.authenticationKey = bytearray(AK)
    c.ciphering.invocationCounter = o.ic
    if not hasattr(c.ciphering, "broadcastBlockCipherKey"): c.ciphering.broadcastBlockCipherKey = None
if o.security != "none":
    c.ciphering.security = {"auth": Security.AUTHENTICATION, "enc": Security.ENCRYPTION, "authenc": Security.AUTHENTICATION_ENCRYPTION}[o.security]
    c.ciphering.securitySuite = SecuritySuite(o.suite)
if o.auth == "ecdsa":
    prv = GXPrivateKey.fromRawBytes(bytearray((0x11).to_bytes(1, "big") * 32)); srv = GXPrivateKey.fromRawBytes(bytearray((0x22).to_bytes(1, "big") * 32)).getPublicKey()
    c.ciphering.signingKeyPair = (srv, prv)
s = socket.create_connection((o.host, o.port)); s.settimeout(5); n_tx = n_rx = 0
def xfer(f, reply):
    global n_tx, n_rx
    if f is None or len(f) == 0: return
    if o.trace: print("TX", bytes(f).hex())
    s.sendall(bytes(f)); n_tx += 1; bb = GXByteBuffer(); notify = GXReplyData()
    while True:
        d = s.recv(65536)
        if not d: raise EOFError("peer closed")
        n_rx += len(d)
        if o.trace: print("RX", d.hex())
        bb.set(bytearray(d))
        if c.getData(bb, reply, notify): break
    if reply.error: raise Exception("DLMS error %s" % reply.error)
    while reply.isMoreData():
        f = None if reply.isStreaming() else c.receiverReady(reply)
        if o.trace and f: print("TX", bytes(f).hex())
        s.sendall(bytes(f)); n_tx += 1; bb = GXByteBuffer()
        while True:
            d = s.recv(65536); n_rx += len(d)
            if not d: raise EOFError("peer closed")
            if o.trace: print("RX", d.hex())
            bb.set(bytearray(d))
            if c.getData(bb, reply, notify): break
        if reply.error: raise Exception("DLMS error %s" % reply.error)
def many(fs):
    r = GXReplyData()
    for f in fs if isinstance(fs, list) else [fs]: r = GXReplyData() if not isinstance(fs, list) else r; xfer(f, r)
    return r
def read(x, i):
    r = many(c.read(x, i)); v = c.updateValue(x, i, r.value); return v
ok = bad = 0
def step(name, fn):
    global ok, bad
    t = time.time()
    try: v = fn(); ok += 1; print("OK  ", name, "=", (repr(v)[:110]), "%.0f ms" % ((time.time() - t) * 1e3))
    except Exception as e:
        bad += 1; print("FAIL", name, type(e).__name__, str(e)[:160])
        if o.trace: import traceback; traceback.print_exc()
def connect():
    f = c.snrmRequest()
    if f: r = GXReplyData(); xfer(f, r); c.parseUAResponse(r.data)
    r = GXReplyData()
    for f in c.aarqRequest(): xfer(f, r)
    c.parseAareResponse(r.data)
    if auth > Authentication.LOW:
        r = GXReplyData()
        for f in c.getApplicationAssociationRequest(): xfer(f, r)
        c.parseApplicationAssociationResponse(r.data)
    return "conformance %s" % str(c.negotiatedConformance)
step("connect", connect)
if bad: sys.exit(1)
def obj(ln, cls): x = cls(ln); return x
if o.only == "saps":
    step("SAP assignments", lambda: len(read(GXDLMSSapAssignment("0.0.41.0.0.255"), 2)))
    step("logical device name", lambda: read(GXDLMSData("0.0.42.0.0.255"), 2))
elif o.only == "readings":
    rd = GXDLMSProfileGeneric("0.0.128.2.0.255"); step("readings columns", lambda: len(read(rd, 3)))
    step("readings entries in use", lambda: read(rd, 7))
    def reading_rows():
        rows = c.updateValue(rd, 2, many(c.readRowsByEntry(rd, 1, 20)).value); return len(rows), [str(x) for x in rows[-1]]
    step("readings by entry", reading_rows)
    ms = GXDLMSProfileGeneric("0.0.128.3.0.255"); step("missing columns", lambda: len(read(ms, 3)))
    rs = GXDLMSProfileGeneric("0.0.128.4.0.255"); step("results columns", lambda: len(read(rs, 3))); step("results", lambda: len(read(rs, 2)))
elif o.only != "connect":
    step("SAP assignment", lambda: read(GXDLMSSapAssignment("0.0.41.0.0.255"), 2))
    step("logical device name", lambda: read(GXDLMSData("0.0.42.0.0.255"), 2))
    step("association object list", lambda: len(c.parseObjects(many(c.getObjectsRequest()).data, False)))
    reg = GXDLMSRegister("1.0.32.7.0.255"); step("voltage scaler/unit", lambda: (read(reg, 3), reg.scaler, reg.unit)); step("voltage", lambda: (read(reg, 2), reg.value))
    er = GXDLMSExtendedRegister("1.0.1.6.0.255"); step("extended register capture time", lambda: read(er, 5))
    dr = GXDLMSDemandRegister("1.0.1.4.0.255"); step("demand register last avg", lambda: read(dr, 3))
    ck = GXDLMSClock("0.0.1.0.0.255"); step("clock", lambda: str(read(ck, 2)))
    pg = GXDLMSProfileGeneric("1.0.99.1.0.255"); step("profile columns", lambda: len(read(pg, 3)))
    def by_range():
        r = many(c.readRowsByRange(pg, dt.datetime(2026, 1, 3), dt.datetime(2026, 1, 4))); return len(c.updateValue(pg, 2, r.value))
    def by_entry(): r = many(c.readRowsByEntry(pg, 10, 20)); return len(c.updateValue(pg, 2, r.value))
    def all_rows(): return len(read(pg, 2))
    step("profile by range (1 day, 97 rows)", by_range); step("profile by entry (20)", by_entry); step("profile all rows", all_rows)
    step("read list (2 attributes)", lambda: [many(f).value for f in c.readList([(reg, 2), (ck, 2)])] if True else 0)
    dc = GXDLMSDisconnectControl("0.0.96.3.10.255"); step("disconnect state", lambda: read(dc, 3))
    def do(fr): r = many(fr); return r.error
    step("remote_disconnect", lambda: do(dc.remoteDisconnect(c))); step("state after", lambda: read(dc, 3)); step("remote_reconnect", lambda: do(dc.remoteReconnect(c)))
    step("unknown object error", lambda: read(GXDLMSData("9.9.9.9.9.255"), 2))
    d = GXDLMSData("0.0.96.10.1.255"); d.setDataType(2, DataType.UINT8); d.value = 3; step("write", lambda: do(c.write(d, 2)))
    im = GXDLMSImageTransfer("0.0.44.0.0.255"); step("image block size", lambda: read(im, 2))
    step("image transfer initiate", lambda: do(im.imageTransferInitiate(c, "fw-1", 1000)))
    def blocks():
        im.imageBlockSize = 200; ret = im.imageBlockTransfer(c, bytearray(bytes(range(250)) * 4), [0]); fs = ret[0] if isinstance(ret, tuple) else ret
        for f in fs: do(f)
        return len(fs)
    step("image block transfer", blocks)
    step("image verify", lambda: do(im.imageVerify(c))); step("image status", lambda: read(im, 6))
def release():
    r = GXReplyData(); f = c.releaseRequest()
    for x in (f or []): xfer(x, r)
    d = c.disconnectRequest()
    if d: r = GXReplyData(); xfer(d, r)
step("release/disconnect", release)
print("steps ok %d failed %d, frames sent %d, bytes received %d" % (ok, bad, n_tx, n_rx)); s.close()
