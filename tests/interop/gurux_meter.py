#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-only
#
# A work using gurux-dlms, which is GPL-2.0. The tests run it as a program of its own beside ours;
# it is linked into nothing, copied into nothing and shipped with nothing.
"""Meter simulator whose *codec* is Gurux's published Python package (pip gurux-dlms).

What is Gurux's here: A-XDR encoding of every value and of every COSEM object attribute
(GXDLMS* objects, _GXCommon.setData/getData), AARQ parsing incl. ciphered initiate
(_GXAPDU.parsePDU), AES-GCM (GXDLMSChippering), HLS maths (GXSecure), ECDSA (GXEcdsa),
HDLC FCS (_GXFCS16), DataNotification generation (GXDLMSSecureNotify).
What is ours here: sockets, wrapper header, HDLC link states, service dispatch, AARE bytes -
because GXDLMSServer in the published package cannot answer a single AARQ (see README.md).

  gurux_meter.py --framing wrapper --base-port 4061 --count 1      # one meter on 4061
  gurux_meter.py --framing hdlc    --base-port 4161 --count 100    # 100 meters, ports 4161..4260
  gurux_meter.py --framing wrapper --base-port 4061 --lds 16       # SAP 1, 17.. behind one port
Clients (by client SAP): 16 = public, no auth; 17 = LLS "12345678"; 1 = HLS (mech from AARQ: 2..7)
"""
import argparse, asyncio, datetime as dt, os, struct, sys
from gurux_dlms.GXDLMSSettings import GXDLMSSettings
from gurux_dlms.GXCiphering import GXCiphering
from gurux_dlms.GXByteBuffer import GXByteBuffer
from gurux_dlms.GXDLMS import GXDLMS
from gurux_dlms._GXAPDU import _GXAPDU
from gurux_dlms._GXFCS16 import _GXFCS16
from gurux_dlms.GXSecure import GXSecure
from gurux_dlms.GXDLMSChippering import GXDLMSChippering
from gurux_dlms.AesGcmParameter import AesGcmParameter
from gurux_dlms.GXDLMSException import GXDLMSException
from gurux_dlms.ValueEventArgs import ValueEventArgs
from gurux_dlms.internal._GXCommon import _GXCommon
from gurux_dlms.internal._GXDataInfo import _GXDataInfo
from gurux_dlms.GXDateTime import GXDateTime
from gurux_dlms.GXStructure import GXStructure
from gurux_dlms.GXArray import GXArray
from gurux_dlms.GXTime import GXTime
from gurux_dlms.GXDate import GXDate
from gurux_dlms.secure import GXDLMSSecureNotify
from gurux_dlms.enums import (InterfaceType, Authentication, Security, ObjectType, DataType,
                              Conformance, Unit)
from gurux_dlms.objects import *            # noqa: the Gurux COSEM classes
from gurux_dlms.objects.enums import SecuritySuite
from gurux_dlms.ecdsa import GXEcdsa, GXPrivateKey, GXPublicKey

EK = bytes(range(16)); AK = bytes(range(0xD0, 0xE0)); LLS = b"12345678"; HLS_SECRET = b"ABCDEFGHIJKLMNOP"
# test-only fixed P-256 scalars, chosen by us
SIGN_PRIV = {"client": 0x1111111111111111111111111111111111111111111111111111111111111111,
             "server": 0x2222222222222222222222222222222222222222222222222222222222222222}

def system_title(serial):          # manufacturer "GRX", type 1, serial
    return b"GRX" + bytes([1]) + struct.pack(">I", serial)

# ----------------------------------------------------------------------------- object model
class Range(Exception): pass

def build_objects(serial, entries, ldn=None):
    o = []
    def add(x): o.append(x); return x
    d = add(GXDLMSData("0.0.42.0.0.255")); d.value = (ldn or "GRX%013d" % serial).encode(); d.setDataType(2, DataType.OCTET_STRING)
    d = add(GXDLMSData("0.0.96.1.0.255")); d.value = ("%08d" % serial).encode(); d.setDataType(2, DataType.OCTET_STRING)
    d = add(GXDLMSData("0.0.43.1.0.255")); d.value = 0; d.setDataType(2, DataType.UINT32)          # invocation counter
    ck = add(GXDLMSClock("0.0.1.0.0.255")); ck.timeZone = -60; ck.deviation = 60; ck.status = 0
    ck.begin = GXDateTime("03/29/2026 02:00:00", "%m/%d/%Y %H:%M:%S"); ck.end = GXDateTime("10/25/2026 03:00:00", "%m/%d/%Y %H:%M:%S")
    def reg(ln, v, scaler, unit, t=DataType.UINT32, cls=GXDLMSRegister):
        r = add(cls(ln)); r.value = v; r.scaler = scaler; r.unit = unit; r.setDataType(2, t); return r
    e_imp = reg("1.0.1.8.0.255", 1234567 + serial, 1, Unit.ACTIVE_ENERGY)
    e_exp = reg("1.0.2.8.0.255", 7654, 1, Unit.ACTIVE_ENERGY)
    p = reg("1.0.1.7.0.255", 2500, 1, Unit.ACTIVE_POWER)
    v1 = reg("1.0.32.7.0.255", 2301, 0.1, Unit.VOLTAGE, DataType.UINT16)
    i1 = reg("1.0.31.7.0.255", -123, 0.01, Unit.CURRENT, DataType.INT16)
    er = reg("1.0.1.6.0.255", 4321, 1, Unit.ACTIVE_POWER, DataType.UINT32, GXDLMSExtendedRegister)
    er.status = 0; er.setDataType(4, DataType.UINT8); er.captureTime = GXDateTime(dt.datetime(2026, 1, 15, 17, 30))
    dr = add(GXDLMSDemandRegister("1.0.1.4.0.255")); dr.currentAverageValue = 1500; dr.lastAverageValue = 1490
    dr.setDataType(2, DataType.UINT32); dr.setDataType(3, DataType.UINT32); dr.scaler = 1; dr.unit = Unit.ACTIVE_POWER
    dr.status = 0; dr.setDataType(5, DataType.UINT8); dr.captureTime = GXDateTime(dt.datetime(2026, 1, 15, 17, 15))
    dr.startTimeCurrent = GXDateTime(dt.datetime(2026, 1, 15, 17, 15)); dr.period = 900; dr.numberOfPeriods = 1
    pg = add(GXDLMSProfileGeneric("1.0.99.1.0.255")); pg.capturePeriod = 900
    st = add(GXDLMSData("0.0.96.10.1.255")); st.value = 0; st.setDataType(2, DataType.UINT8)
    for obj in (ck, st, e_imp, e_exp): pg.addCaptureObject(obj, 2, 0)
    t0 = dt.datetime(2026, 1, 1, 0, 0)
    pg.buffer = [[t0 + dt.timedelta(minutes=15 * k), 0 if k % 97 else 8, 1000000 + 7 * k + serial, 500 + k // 4] for k in range(entries)]
    pg.entriesInUse = entries; pg.profileEntries = entries
    dc = add(GXDLMSDisconnectControl("0.0.96.3.10.255")); dc.outputState = True; dc.controlState = 1; dc.controlMode = 2
    im = add(GXDLMSImageTransfer("0.0.44.0.0.255")); im.imageBlockSize = 200; im.imageTransferEnabled = True
    im.imageTransferredBlocksStatus = ""; im.imageFirstNotTransferredBlockNumber = 0; im.imageTransferStatus = 0; im.imageActivateInfo = []
    sap = add(GXDLMSSapAssignment("0.0.41.0.0.255")); sap.sapAssignmentList = [(1, "GRX%013d" % serial)]
    ac = add(GXDLMSActivityCalendar("0.0.13.0.0.255")); ac.calendarNameActive = "TARIFF-A"; ac.calendarNamePassive = "TARIFF-B"
    sd = add(GXDLMSSpecialDaysTable("0.0.11.0.0.255"))
    s = GXDLMSSpecialDay(); s.index = 1; s.date = GXDate("12/25/2026", "%m/%d/%Y"); s.dayId = 1; sd.entries = [s]
    add(GXDLMSScriptTable("0.0.10.0.106.255"))
    ss = add(GXDLMSSecuritySetup("0.0.43.0.0.255")); ss.clientSystemTitle = b"CLIENT01"; ss.serverSystemTitle = system_title(serial)
    ps = add(GXDLMSPushSetup("0.0.25.9.0.255")); ps.destination = "127.0.0.1:4059"
    for obj in (ck, e_imp, p, v1):
        from gurux_dlms.objects.GXDLMSCaptureObject import GXDLMSCaptureObject
        ps.pushObjectList.append((obj, GXDLMSCaptureObject(2, 0)))
    a = add(GXDLMSAssociationLogicalName("0.0.40.0.0.255")); a.clientSAP = 16; a.serverSAP = 1
    for x in o: a.objectList.append(x)
    return o

class Meter:
    def __init__(self, serial, entries, suite=0, sap=1, max_pdu=1024, sap_list=None):
        self.serial = serial; self.st = system_title(serial); self.suite = suite; self.sap = sap
        self.max_pdu = max_pdu; self.objects = build_objects(serial, entries)
        self.by = {(int(x.objectType), x.logicalName): x for x in self.objects}
        if sap_list: self.by[(17, "0.0.41.0.0.255")].sapAssignmentList = sap_list
        self.tx_ic = 1; self.rx_ic = {}      # invocation counters per client title
        self.image = bytearray(); self.image_id = b""; self.image_size = 0; self.blocks = set()

# ----------------------------------------------------------------------------- application layer
def olen(n):
    if n < 0x80: return bytes([n])
    if n < 0x100: return bytes([0x81, n])
    if n < 0x10000: return b"\x82" + struct.pack(">H", n)
    return b"\x84" + struct.pack(">I", n)

GLO_RSP = {0xC4: 0xCC, 0xC5: 0xCD, 0xC7: 0xCF}; DED_RSP = {0xC4: 0xD4, 0xC5: 0xD5, 0xC7: 0xD7}
GLO_REQ = {0xC8, 0xC9, 0xCB}; DED_REQ = {0xD0, 0xD1, 0xD3}

class Session:
    """One client <-> one logical device. Feed APDUs, get APDUs."""
    def __init__(self, meter, opts):
        self.m = meter; self.o = opts; self.reset()
    def reset(self):
        s = self.s = GXDLMSSettings(True, None); s.setUseLogicalNameReferencing(True)
        s.interfaceType = InterfaceType.PDU
        c = s.cipher = GXCiphering(bytearray(self.m.st)); c.blockCipherKey = bytearray(EK); c.authenticationKey = bytearray(AK)
        c.securitySuite = SecuritySuite(self.m.suite)
        if not hasattr(c, "broadcastBlockCipherKey"): c.broadcastBlockCipherKey = None
        s.proposedConformance = Conformance(self.o.conformance)
        self.state = "idle"; self.tx = None; self.setbuf = None; self.general = False; self.ded = False; self.sc = 0
    # -- ciphering (Gurux AES-GCM)
    def unprotect(self, apdu):
        tag = apdu[0]; p = AesGcmParameter(0, self.s.sourceSystemTitle, self.s.cipher.blockCipherKey, self.s.cipher.authenticationKey)
        p.settings = self.s
        if tag in DED_REQ or tag == 0xDC: p.blockCipherKey = self.s.cipher.dedicatedKey; self.ded = True
        else: self.ded = False
        self.general = tag in (0xDB, 0xDC)
        out = bytes(bytearray(GXDLMSChippering.decryptAesGcm(self.s, p, GXByteBuffer(bytearray(apdu)))))
        # Gurux does not check the GCM tag of authenticated+encrypted APDUs: do it here by re-encrypting.
        self.sc = int(p.security)
        if self.sc == 0x30:
            q = AesGcmParameter(tag, p.systemTitle, p.blockCipherKey, p.authenticationKey)
            q.security = Security.AUTHENTICATION_ENCRYPTION; q.securitySuite = p.securitySuite; q.invocationCounter = p.invocationCounter
            if bytes(bytearray(GXDLMSChippering.encryptAesGcm(q, bytearray(out))))[-12:] != bytes(apdu[-12:]): raise ValueError("bad tag")
        key = bytes(p.systemTitle or b"") + (b"d" if self.ded else b"g")
        if p.invocationCounter <= self.m.rx_ic.get(key, -1) and not self.o.no_replay_check: raise Range("replay")
        self.m.rx_ic[key] = p.invocationCounter
        return out
    def protect(self, apdu):
        if not self.sc: return apdu
        if self.general: tag = 0xDC if self.ded else 0xDB
        else: tag = (DED_RSP if self.ded else GLO_RSP).get(apdu[0])
        if tag is None: return apdu
        p = AesGcmParameter(tag, bytearray(self.m.st), bytearray(self.s.cipher.dedicatedKey if self.ded else EK), bytearray(AK))
        p.security = Security(self.sc); p.securitySuite = SecuritySuite(self.m.suite); p.invocationCounter = self.m.tx_ic; self.m.tx_ic += 1
        return bytes(bytearray(GXDLMSChippering.encryptAesGcm(p, bytearray(apdu))))
    # -- entry
    def handle(self, apdu):
        try:
            t = apdu[0]
            if t == 0x60: return self.aarq(apdu)
            if t == 0x62: self.state = "idle"; self.reset(); return bytes.fromhex("6303800100")
            if self.state == "idle": return bytes.fromhex("d80101") if t in (0xC0, 0xC1, 0xC3, 0xD9) or t in GLO_REQ else bytes.fromhex("d80102")
            plain = apdu
            if t in GLO_REQ | DED_REQ | {0xDB, 0xDC}:
                try: plain = self.unprotect(apdu)
                except Range: return bytes.fromhex("d80106") + struct.pack(">I", max(self.m.rx_ic.values()) + 1)
                except Exception as e:
                    if self.o.verbose: print("unprotect:", e, file=sys.stderr)
                    return bytes.fromhex("d80105")
            else:
                self.sc = 0
                if self.need_protection: return bytes.fromhex("d80102")
            r = self.service(plain)
            return self.protect(r) if r else None
        except Exception as e:
            if self.o.verbose:
                import traceback; traceback.print_exc()
            return bytes.fromhex("d80102")
    need_protection = False
    def aarq(self, apdu):
        self.reset(); s = self.s; diag = 0; ctx = 1
        s.clientAddress = self.client
        try: _GXAPDU.parsePDU(s, s.cipher, GXByteBuffer(bytearray(apdu)), None)
        except Exception as e:
            if self.o.verbose: print("aarq:", repr(e), file=sys.stderr)
            return self.aare(1, 1, 1)
        ctx = 3 if bytes.fromhex("060760857405080103") in apdu else 1
        auth = int(s.authentication)
        if self.client == 16: need = (0,)
        elif self.client == 17: need = (1,)
        else: need = tuple(self.o.hls)
        if auth not in need: return self.aare(1, 11 if auth else 14, ctx)     # mech not recognised / authentication-required
        if auth == 1 and bytes(s.password or b"") != LLS: return self.aare(1, 13, ctx)
        self.need_protection = ctx == 3
        self.ctx = ctx; s.maxPduSize = min(s.maxPduSize or 0xFFFF, self.m.max_pdu)
        if auth >= 2:
            s.stoCChallenge = bytearray(os.urandom(16)); self.state = "pending"; return self.aare(0, 14, ctx)
        self.state = "open"; return self.aare(0, 0, ctx)
    def aare(self, result, diag, ctx):
        s = self.s
        b = bytes.fromhex("a109060760857405080100")[:-1] + bytes([ctx]) + bytes([0xA2, 3, 2, 1, result, 0xA3, 5, 0xA1, 3, 2, 1, diag])
        if ctx == 3 or int(s.authentication) in (5, 6, 7): b += b"\xa4\x0a\x04\x08" + self.m.st
        if result == 0 and int(s.authentication) >= 2:
            b += bytes.fromhex("88020780890760857405080200")[:-1] + bytes([int(s.authentication)])
            ch = bytes(s.stoCChallenge); b += bytes([0xAA, len(ch) + 2, 0x80, len(ch)]) + ch
        if result == 0:
            conf = int(s.negotiatedConformance); raw = GXByteBuffer(); _GXAPDU.setConformanceToArray(conf, raw)
            ir = bytes.fromhex("0800065f1f0400") + bytes(bytearray(raw.array())) + struct.pack(">HH", s.maxPduSize, 7)
            sec = int(s.cipher.security)
            if sec:
                p = AesGcmParameter(0x28, bytearray(self.m.st), bytearray(EK), bytearray(AK)); p.security = Security(sec)
                p.securitySuite = SecuritySuite(self.m.suite); p.invocationCounter = self.m.tx_ic; self.m.tx_ic += 1
                ir = bytes(bytearray(GXDLMSChippering.encryptAesGcm(p, bytearray(ir))))
            b += bytes([0xBE, len(ir) + 2, 4, len(ir)]) + ir
        else: b += bytes.fromhex("be0604040e010600")
        return bytes([0x61]) + olen(len(b)) + b
    # -- services
    def service(self, a):
        t = a[0]
        if t == 0xC3: return self.action(a)
        if self.state != "open": return bytes.fromhex("d80102")
        if t == 0xC0: return self.get(a)
        if t == 0xC1: return self.set(a)
        if t == 0xD9: return self.access(a)
        return bytes.fromhex("d80102")
    def value(self, cls, ln, attr, sel, par):
        """-> (error, A-XDR bytes)"""
        x = self.m.by.get((cls, ln))
        if x is None: return 4, b""
        if attr < 1 or attr > x.getAttributeCount(): return 4, b""
        if attr == 1: return 0, b"\x09\x06" + bytes(bytearray(_GXCommon.logicalNameToBytes(ln)))
        if cls == 8 and attr == 2:
            bb = GXByteBuffer(); _GXCommon.setData(self.s, bb, DataType.OCTET_STRING, GXDateTime(dt.datetime.now())); return 0, bytes(bytearray(bb.array()))
        if cls == 7 and attr == 2: return self.profile(x, sel, par)
        if cls == 1 and ln == "0.0.43.1.0.255": return 0, b"\x06" + struct.pack(">I", max(list(self.m.rx_ic.values()) or [0]))
        if cls == 15 and attr == 2: return 0, self.object_list()
        if cls == 18 and attr == 3:
            n = (self.m.image_size + 199) // 200; bits = "".join("1" if k in self.m.blocks else "0" for k in range(n))
            raw = int(bits.ljust((n + 7) // 8 * 8, "0") or "0", 2).to_bytes((n + 7) // 8, "big"); return 0, b"\x04" + olen(n) + raw
        if cls == 18 and attr == 4:
            k = 0
            while k in self.m.blocks: k += 1
            return 0, b"\x06" + struct.pack(">I", k)
        e = ValueEventArgs(self.s, x, attr, 0, None)
        v = x.getValue(self.s, e); bb = GXByteBuffer()
        GXDLMS.appendData(self.s, x, attr, bb, v)
        return 0, bytes(bytearray(bb.array()))
    def object_list(self):
        out = b"\x01" + olen(len(self.m.objects))
        for x in self.m.objects:
            ln = bytes(bytearray(_GXCommon.logicalNameToBytes(x.logicalName)))
            na, nm = x.getAttributeCount(), x.getMethodCount()
            out += b"\x02\x04\x12" + struct.pack(">H", int(x.objectType)) + b"\x11" + bytes([x.version]) + b"\x09\x06" + ln
            out += b"\x02\x02\x01" + olen(na) + b"".join(b"\x02\x03\x0f" + bytes([k]) + b"\x16" + bytes([1 if k == 1 else 3]) + b"\x00" for k in range(1, na + 1))
            out += b"\x01" + olen(nm) + b"".join(b"\x02\x02\x0f" + bytes([k]) + b"\x16\x01" for k in range(1, nm + 1))
        return out
    def profile(self, x, sel, par):
        rows = x.buffer; cols = range(len(x.captureObjects))
        if sel == 1:
            f, to = (self.when(par[1]), self.when(par[2]))
            rows = [r for r in rows if (f is None or r[0] >= f) and (to is None or r[0] <= to)]
            if len(par) > 3 and par[3]:
                want = [(int(c[0]), _GXCommon.toLogicalName(c[1]), int(c[2])) for c in par[3]]
                cols = [k for k, (o, co) in enumerate(x.captureObjects) if (int(o.objectType), o.logicalName, co.attributeIndex) in want]
        elif sel == 2:
            a, b, c, d = (int(v) for v in par)
            rows = rows[max(a, 1) - 1: (b or len(rows))]; cols = range(max(c, 1) - 1, d or len(x.captureObjects))
        bb = GXByteBuffer(); bb.setUInt8(1); _GXCommon.setObjectCount(len(rows), bb)
        for r in rows:
            bb.setUInt8(2); _GXCommon.setObjectCount(len(cols), bb)
            for k in cols:
                if k == 0: _GXCommon.setData(self.s, bb, DataType.OCTET_STRING, GXDateTime(r[0]))
                elif k == 1: _GXCommon.setData(self.s, bb, DataType.UINT8, r[1])
                else: _GXCommon.setData(self.s, bb, DataType.UINT32, r[k])
        return 0, bytes(bytearray(bb.array()))
    @staticmethod
    def when(raw):
        if raw is None: return None
        b = bytes(bytearray(raw)) if not isinstance(raw, GXDateTime) else None
        if b is None: return raw.value.replace(tzinfo=None)
        y = struct.unpack(">H", b[:2])[0]
        if y == 0xFFFF: return None
        z = lambda v: 0 if v == 0xFF else v
        return dt.datetime(y, b[2], b[3], z(b[5]), z(b[6]), z(b[7]))
    def desc(self, g, sel=True):
        cls = g.getUInt16(); ln = bytearray(6); g.get(ln); at = g.getUInt8() if sel is not None else 0; par = None; s = 0
        if sel and g.getUInt8():
            s = g.getUInt8(); par = _GXCommon.getData(self.s, g, _GXDataInfo())
        return cls, _GXCommon.toLogicalName(ln), at, s, par
    def get(self, a):
        g = GXByteBuffer(bytearray(a[3:])); kind = a[1]; inv = a[2]
        room = self.s.maxPduSize - 10 - (31 if self.sc else 0)
        if kind == 1:
            err, d = self.value(*self.desc(g))
            if err: return bytes([0xC4, 1, inv, 1, err])
            if len(d) + 4 <= self.s.maxPduSize - (31 if self.sc else 0): return bytes([0xC4, 1, inv, 0]) + d
            self.tx = [d, 1]; return self.block(inv, room)
        if kind == 2:
            n = g.getUInt32()
            if not self.tx: return bytes([0xC4, 2, inv, 1]) + struct.pack(">I", n) + bytes([1, 16])
            if n != self.tx[1] - 1: self.tx = None; return bytes([0xC4, 2, inv, 1]) + struct.pack(">I", n) + bytes([1, 19])
            return self.block(inv, room)
        if kind == 3:
            out = b""; n = _GXCommon.getObjectCount(g)
            for _ in range(n):
                err, d = self.value(*self.desc(g)); out += bytes([1, err]) if err else b"\x00" + d
            d = olen(n) + out
            if len(d) + 3 <= self.s.maxPduSize - (31 if self.sc else 0): return bytes([0xC4, 3, inv]) + d
            self.tx = [d, 1]; return self.block(inv, room)
        return bytes.fromhex("d80102")
    def block(self, inv, room):
        d, n = self.tx; part, rest = d[:room], d[room:]
        self.tx = [rest, n + 1] if rest else None
        return bytes([0xC4, 2, inv, 0 if rest else 1]) + struct.pack(">I", n) + b"\x00" + olen(len(part)) + part
    def store(self, cls, ln, attr, data):
        x = self.m.by.get((cls, ln))
        if x is None: return 4
        if (cls, attr) in ((3, 3), (15, 2)) or attr == 1: return 3
        v = _GXCommon.getData(self.s, GXByteBuffer(bytearray(data)), _GXDataInfo())
        if cls == 8 and attr == 2: self.m.clock_set = bytes(bytearray(v)); return 0
        e = ValueEventArgs(self.s, x, attr, 0, None); e.value = v
        try: x.setValue(self.s, e)
        except Exception as ex:
            if self.o.verbose: print("set:", repr(ex), file=sys.stderr)
            return 12
        return int(e.error or 0)
    def set(self, a):
        kind, inv = a[1], a[2]; g = GXByteBuffer(bytearray(a[3:]))
        if kind == 1:
            c, ln, at, s, p = self.desc(g); return bytes([0xC5, 1, inv, self.store(c, ln, at, a[3 + g.position:])])
        if kind in (2, 3):
            if kind == 2: c, ln, at, s, p = self.desc(g); self.setbuf = [(c, ln, at), bytearray(), 1]
            last = g.getUInt8(); n = g.getUInt32(); ln_ = _GXCommon.getObjectCount(g); raw = a[3 + g.position:3 + g.position + ln_]
            if not self.setbuf or n != self.setbuf[2]: return bytes([0xC5, 3, inv, 19]) + struct.pack(">I", n)
            self.setbuf[1] += raw; self.setbuf[2] += 1
            if not last: return bytes([0xC5, 2, inv]) + struct.pack(">I", n)
            (c, ln, at), d, _ = self.setbuf; self.setbuf = None
            return bytes([0xC5, 3, inv, self.store(c, ln, at, bytes(d))]) + struct.pack(">I", n)
        if kind == 4:
            n = _GXCommon.getObjectCount(g); ds = [self.desc(g) for _ in range(n)]; m = _GXCommon.getObjectCount(g); res = b""
            for k in range(m):
                p0 = g.position; _GXCommon.getData(self.s, g, _GXDataInfo()); res += bytes([self.store(*ds[k][:3], a[3 + p0:3 + g.position])])
            return bytes([0xC5, 5, inv]) + olen(m) + res
        return bytes.fromhex("d80102")
    def action(self, a):
        kind, inv = a[1], a[2]; g = GXByteBuffer(bytearray(a[3:]))
        if kind != 1: return bytes.fromhex("d80102")
        cls = g.getUInt16(); lnb = bytearray(6); g.get(lnb); ln = _GXCommon.toLogicalName(lnb); mth = g.getUInt8(); par = None
        if g.getUInt8(): par = _GXCommon.getData(self.s, g, _GXDataInfo())
        if self.state == "pending":
            if (cls, mth) != (15, 1): return bytes.fromhex("d80102")
            ok, reply = self.hls(bytes(bytearray(par)))
            if not ok: self.state = "idle"; return bytes([0xC7, 1, inv, 12, 0])     # other-reason... then AA is closed
            self.state = "open"; return bytes([0xC7, 1, inv, 0, 1, 0, 9]) + olen(len(reply)) + reply
        x = self.m.by.get((cls, ln))
        if x is None: return bytes([0xC7, 1, inv, 4, 0])
        m = self.m
        if cls == 70:
            if mth == 1: x.outputState = False; x.controlState = 0
            elif mth == 2: x.controlState = 2 if x.controlMode in (1, 3, 5, 6) else 1; x.outputState = x.controlState == 1
            else: return bytes([0xC7, 1, inv, 4, 0])
            return bytes([0xC7, 1, inv, 0, 0])
        if cls == 18:
            if mth == 1: m.image_id = bytes(bytearray(par[0])); m.image_size = int(par[1]); m.image = bytearray(m.image_size); m.blocks = set(); x.imageTransferStatus = 1
            elif mth == 2:
                n = int(par[0]); raw = bytes(bytearray(par[1])); m.image[n * 200:n * 200 + len(raw)] = raw; m.blocks.add(n)
            elif mth == 3:
                full = len(m.blocks) == (m.image_size + 199) // 200
                x.imageTransferStatus = 3 if full else 4
                if not full: return bytes([0xC7, 1, inv, 2, 0])
            elif mth == 4:
                if x.imageTransferStatus != 3: return bytes([0xC7, 1, inv, 2, 0])
                x.imageTransferStatus = 6
            return bytes([0xC7, 1, inv, 0, 0])
        if cls == 7 and mth == 1: x.buffer = []; x.entriesInUse = 0; return bytes([0xC7, 1, inv, 0, 0])
        if cls in (3, 4, 5) and mth == 1:
            if hasattr(x, "value"): x.value = 0
            return bytes([0xC7, 1, inv, 0, 0])
        if cls in (9, 20): return bytes([0xC7, 1, inv, 0, 0])
        return bytes([0xC7, 1, inv, 3, 0])
    def hls(self, got):
        s = self.s; au = int(s.authentication); c = s.cipher; st_c = bytes(s.sourceSystemTitle or b""); stoc = bytes(s.stoCChallenge); ctos = bytes(s.ctoSChallenge)
        def calc(ic, chal, title, other, a, b):
            if au == 5: return bytes(bytearray(GXSecure.secure(s, c, ic, bytearray(chal), bytearray(title))))
            if au == 6: return bytes(bytearray(GXSecure.secure(s, c, ic, bytearray(chal), bytearray(HLS_SECRET + title + other + a + b))))
            return bytes(bytearray(GXSecure.secure(s, c, ic, bytearray(chal), bytearray(HLS_SECRET))))
        if au == 7:
            pubc = GXPrivateKey.fromRawBytes(bytearray(SIGN_PRIV["client"].to_bytes(32, "big"))).getPublicKey()
            prv = GXPrivateKey.fromRawBytes(bytearray(SIGN_PRIV["server"].to_bytes(32, "big")))
            ok = GXEcdsa(pubc).verify(bytearray(got), bytearray(st_c + self.m.st + stoc + ctos))
            return ok, bytes(bytearray(GXEcdsa(prv).sign(bytearray(self.m.st + st_c + ctos + stoc))))
        ic = struct.unpack(">I", got[1:5])[0] if au == 5 and len(got) == 17 else 0
        ok = calc(ic, stoc, st_c, self.m.st, stoc, ctos) == got
        ic2 = self.m.tx_ic
        if au == 5: self.m.tx_ic += 1
        return ok, calc(ic2, ctos, self.m.st, st_c, ctos, stoc)
    def access(self, a):
        g = GXByteBuffer(bytearray(a[1:])); inv = g.getUInt32(); n = g.getUInt8(); t = bytearray(n); g.get(t); specs = []
        for _ in range(_GXCommon.getObjectCount(g)):
            k = g.getUInt8(); cls = g.getUInt16(); ln = bytearray(6); g.get(ln); at = g.getUInt8(); s = 0; p = None
            if k == 4: s = g.getUInt8(); p = _GXCommon.getData(self.s, g, _GXDataInfo())
            specs.append((k, cls, _GXCommon.toLogicalName(ln), at, s, p))
        m = _GXCommon.getObjectCount(g); datas = []; res = []
        for k in range(m):
            p0 = g.position; _GXCommon.getData(self.s, g, _GXDataInfo()); raw = a[1 + p0:1 + g.position]
            kk, cls, ln, at, s, p = specs[k]
            if kk in (1, 4): e, d = self.value(cls, ln, at, s, p); datas.append(d or b"\x00"); res.append((1, e))
            elif kk == 2: datas.append(b"\x00"); res.append((2, self.store(cls, ln, at, raw)))
            else: datas.append(b"\x00"); res.append((3, 3))
        return b"\xda" + struct.pack(">I", inv) + b"\x00\x00" + olen(m) + b"".join(datas) + olen(m) + b"".join(bytes(r) for r in res)

# ----------------------------------------------------------------------------- transports
class Port:
    def __init__(self, meters, opts): self.meters = {m.sap: m for m in meters}; self.o = opts
    async def wrapper(self, r, w):
        ses = {}
        try:
            while True:
                h = await r.readexactly(8); ver, src, dst, n = struct.unpack(">HHHH", h); apdu = await r.readexactly(n)
                m = self.meters.get(dst)
                if m is None or ver != 1: continue                       # unknown SAP: silence
                s = ses.get((src, dst))
                if s is None: s = ses[(src, dst)] = Session(m, self.o); s.client = src
                if self.o.delay: await asyncio.sleep(self.o.delay)
                out = s.handle(apdu)
                if out: w.write(struct.pack(">HHHH", 1, dst, src, len(out)) + out); await w.drain()
        except (asyncio.IncompleteReadError, ConnectionError): pass
        finally: w.close()
    async def hdlc(self, r, w):
        buf = bytearray(); links = {}
        def frame(dst, src, ctl, info=b"", seg=False):
            n = 2 + len(dst) + len(src) + 1 + 2 + (len(info) + 2 if info else 0)
            f = struct.pack(">H", 0xA000 | (0x800 if seg else 0) | n) + dst + src + bytes([ctl]); f += self.fcs(f)
            if info: f += info; f += self.fcs(f)
            return b"\x7e" + f + b"\x7e"
        try:
            while True:
                d = await r.read(4096)
                if not d: break
                buf += d
                while True:
                    i = buf.find(0x7E)
                    if i < 0: buf.clear(); break
                    del buf[:i]
                    if len(buf) < 3: break
                    if buf[1] == 0x7E: del buf[0]; continue
                    n = struct.unpack(">H", buf[1:3])[0] & 0x7FF
                    if len(buf) < n + 2: break
                    f = bytes(buf[1:n + 1])
                    if buf[n + 1] != 0x7E or self.fcs(f[:-2]) != f[-2:]: del buf[0]; continue
                    del buf[:n + 1]
                    p = 2; k = p
                    while not f[k] & 1: k += 1
                    dst = f[p:k + 1]; p = k + 1; k = p
                    while not f[k] & 1: k += 1
                    src = f[p:k + 1]; ctl = f[k + 1]; info = f[k + 4:-2] if len(f) > k + 4 else b""
                    seg = bool(f[0] & 8)
                    if self.fcs(f[:k + 2]) != f[k + 2:k + 4] and info: continue
                    upper = dst[0] >> 1 if len(dst) < 4 else (dst[0] >> 1) << 7 | dst[1] >> 1
                    m = self.meters.get(upper)
                    if m is None: continue
                    L = links.get((dst, src))
                    if ctl & 0xEF == 0x83:                       # SNRM
                        s = Session(m, self.o); s.client = src[0] >> 1
                        mi = self.o.hdlc_info
                        L = links[(dst, src)] = dict(s=s, vs=0, vr=0, rx=bytearray(), tx=[])
                        pr = b"\x05" + (bytes([1, mi]) if mi < 256 else b"\x02" + struct.pack(">H", mi)) + b"\x06" + (bytes([1, mi]) if mi < 256 else b"\x02" + struct.pack(">H", mi)) + bytes.fromhex("07040000000108040000000 1".replace(" ", ""))
                        w.write(frame(src, dst, 0x73, b"\x81\x80" + bytes([len(pr)]) + pr)); continue
                    if ctl & 0xEF == 0x43:                       # DISC
                        w.write(frame(src, dst, 0x73 if L else 0x1F)); links.pop((dst, src), None); continue
                    if L is None: w.write(frame(src, dst, 0x1F)); continue           # DM
                    if ctl & 1 == 0:                             # I
                        ns, nr = (ctl >> 1) & 7, ctl >> 5
                        if ns != L["vr"]: w.write(frame(src, dst, (L["vr"] << 5) | 0x19)); continue     # REJ
                        L["vr"] = (L["vr"] + 1) & 7; L["rx"] += info
                        if seg: w.write(frame(src, dst, (L["vr"] << 5) | 0x11)); continue
                        pdu = bytes(L["rx"]); L["rx"] = bytearray()
                        if pdu[:3] == b"\xe6\xe6\x00": pdu = pdu[3:]
                        if self.o.delay: await asyncio.sleep(self.o.delay)
                        out = L["s"].handle(pdu)
                        if out:
                            out = b"\xe6\xe7\x00" + out; mi = self.o.hdlc_info
                            L["tx"] = [out[j:j + mi] for j in range(0, len(out), mi)]
                    if (ctl & 1 == 0 or ctl & 0xF == 1) and L["tx"]:     # I or RR -> send next segment
                        part = L["tx"].pop(0); more = bool(L["tx"])
                        w.write(frame(src, dst, (L["vr"] << 5) | 0x10 | (L["vs"] << 1), part, more)); L["vs"] = (L["vs"] + 1) & 7
                    elif ctl & 0xF == 1: w.write(frame(src, dst, (L["vr"] << 5) | 0x11))
                    await w.drain()
        except ConnectionError: pass
        finally: w.close()
    @staticmethod
    def fcs(b):
        return struct.pack(">H", _GXFCS16.countFCS16(GXByteBuffer(bytearray(b)), 0, len(b)))

async def pusher(meters, o):
    host, port = o.push_to.rsplit(":", 1)
    while True:
        for m in meters:
            n = GXDLMSSecureNotify(True, 1, m.sap, InterfaceType.HDLC if o.framing == "hdlc" else InterfaceType.WRAPPER)
            n.settings.cipher.systemTitle = bytearray(m.st)
            if o.push_security: n.settings.cipher.security = Security(o.push_security); n.settings.cipher.invocationCounter = m.tx_ic; m.tx_ic += 1
            n.settings.cipher.blockCipherKey = bytearray(EK); n.settings.cipher.authenticationKey = bytearray(AK)
            if o.push_security: n.conformance = n.conformance | Conformance.GENERAL_PROTECTION; n.settings.connected = 2
            n.settings.maxPduSize = 1024
            m.by[(8, "0.0.1.0.0.255")].time = GXDateTime(dt.datetime.now())
            msgs = n.generatePushSetupMessages(dt.datetime.now(), m.by[(40, "0.0.25.9.0.255")])
            try:
                r, w = await asyncio.open_connection(host, int(port))
                for x in msgs: w.write(bytes(bytearray(x)))
                await w.drain(); w.close()
                print("push", m.serial, [bytes(bytearray(x)).hex() for x in msgs], flush=True)
            except OSError as e: print("push failed", e, flush=True)
        await asyncio.sleep(o.push_interval)

async def main():
    ap = argparse.ArgumentParser(); A = ap.add_argument
    A("--framing", choices=["wrapper", "hdlc"], default="wrapper"); A("--base-port", type=int, default=4061); A("--count", type=int, default=1)
    A("--lds", type=int, default=1, help="logical devices per port: SAP 1 then 17,18,.."); A("--entries", type=int, default=3000)
    A("--suite", type=int, default=0); A("--hls", type=lambda s: [int(x) for x in s.split(",")], default=[2, 3, 4, 5, 6, 7])
    A("--conformance", type=lambda s: int(s, 0), default=int(Conformance.GET | Conformance.SET | Conformance.ACTION | Conformance.SELECTIVE_ACCESS | Conformance.BLOCK_TRANSFER_WITH_GET_OR_READ | Conformance.BLOCK_TRANSFER_WITH_SET_OR_WRITE | Conformance.MULTIPLE_REFERENCES | Conformance.ACCESS | Conformance.DATA_NOTIFICATION | Conformance.GENERAL_PROTECTION))
    A("--max-pdu", type=int, default=1024); A("--hdlc-info", type=int, default=128); A("--delay", type=float, default=0); A("--no-replay-check", action="store_true")
    A("--push-to"); A("--push-interval", type=float, default=10); A("--push-security", type=lambda s: int(s, 0), default=0); A("--verbose", action="store_true")
    o = ap.parse_args(); allm = []
    for k in range(o.count):
        saps = [1] + [17 + j for j in range(o.lds - 1)]
        ms = [Meter(1000 + k * o.lds + j, o.entries, o.suite, s, o.max_pdu) for j, s in enumerate(saps)]
        lst = [(m.sap, "GRX%013d" % m.serial) for m in ms]; ms[0].by[(17, "0.0.41.0.0.255")].sapAssignmentList = lst
        p = Port(ms, o); allm += ms
        await asyncio.start_server(getattr(p, o.framing), "127.0.0.1", o.base_port + k)
    print("ready", o.framing, "127.0.0.1:%d..%d" % (o.base_port, o.base_port + o.count - 1), "meters", len(allm), flush=True)
    if o.push_to: asyncio.ensure_future(pusher(allm, o))
    await asyncio.Event().wait()
if __name__ == "__main__": asyncio.run(main())
