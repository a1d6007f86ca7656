#!/usr/bin/env python3
# SPDX-License-Identifier: MIT OR Apache-2.0
#
# Imports dlms-cosem, which is under the Business Source License 1.1: not an open-source licence, and
# one whose grant for production use leaves out competing products. It is used here for testing
# only; nothing of it is linked into, copied into or shipped with this project.
"""Reference client on pip dlms-cosem (u9n).  u9n_client.py --port 4061 [--framing hdlc] --auth none|lls|hls|gmac [--cipher] [--suite N]"""
import argparse, datetime as dt, logging, time, traceback
import structlog; structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.ERROR))
from dlms_cosem import cosem, enumerations as en, utils, dlms_data
from dlms_cosem.client import DlmsClient
from dlms_cosem.io import BlockingTcpIO, TcpTransport, HdlcTransport
from dlms_cosem.security import NoSecurityAuthentication, LowLevelSecurityAuthentication, HighLevelSecurityGmacAuthentication, HighLevelSecurityCommonAuthentication
from dlms_cosem.cosem.selective_access import RangeDescriptor, EntryDescriptor
from dlms_cosem.cosem.capture_object import CaptureObject
from dlms_cosem.parsers import ProfileGenericBufferParser, AssociationObjectListParser
ap = argparse.ArgumentParser(); A = ap.add_argument
A("--host", default="127.0.0.1"); A("--port", type=int, default=4061); A("--framing", default="wrapper"); A("--auth", default="none"); A("--sap", type=int, default=1); A("--phys", type=int)
A("--client", type=int); A("--cipher", action="store_true"); A("--suite", type=int, default=0); A("--trace", action="store_true"); A("--dedicated", action="store_true")
o = ap.parse_args()
auth = {"none": NoSecurityAuthentication, "lls": lambda: LowLevelSecurityAuthentication(secret=b"12345678"), "gmac": HighLevelSecurityGmacAuthentication, "hls": lambda: HighLevelSecurityCommonAuthentication(secret=b"ABCDEFGHIJKLMNOP")}[o.auth]()
sap = o.client or {"none": 16, "lls": 17}.get(o.auth, 1)
io = BlockingTcpIO(host=o.host, port=o.port, timeout=5)
tr = HdlcTransport(client_logical_address=sap, server_logical_address=o.sap, server_physical_address=o.phys, io=io) if o.framing == "hdlc" else TcpTransport(client_logical_address=sap, server_logical_address=o.sap, io=io)
kw = dict(encryption_key=bytes(range(16)), authentication_key=bytes(range(0xD0, 0xE0)), security_suite=o.suite, client_system_title=b"U9NCLNT1", client_initial_invocation_counter=int(time.time() * 1000) & 0x7FFFFFFF, dedicated_ciphering=o.dedicated) if o.cipher or o.auth == "gmac" else {}
c = DlmsClient(transport=tr, authentication=auth, max_pdu_size=1024, **kw)
ok = bad = 0
def step(n, f):
    global ok, bad
    t = time.time()
    try: v = f(); ok += 1; print("OK  ", n, "=", repr(v)[:120], "%.0f ms" % ((time.time() - t) * 1e3))
    except Exception as e:
        bad += 1; print("FAIL", n, type(e).__name__, str(e)[:200])
        if o.trace: traceback.print_exc()
def at(cls, obis, a): return cosem.CosemAttribute(interface=cls, instance=cosem.Obis.from_string(obis), attribute=a)
I = en.CosemInterface
step("connect", c.connect); step("associate", lambda: c.associate().result)
if not bad:
    g = lambda *a, **k: utils.parse_as_dlms_data(c.get(at(*a), **k))
    step("SAP assignment", lambda: g(I.SAP_ASSIGNMENT, "0.0.41.0.0.255", 2)); step("LDN", lambda: bytes(g(I.DATA, "0.0.42.0.0.255", 2)))
    step("energy", lambda: g(I.REGISTER, "1.0.1.8.0.255", 2)); step("voltage scaler", lambda: g(I.REGISTER, "1.0.32.7.0.255", 3)); step("clock", lambda: bytes(g(I.CLOCK, "0.0.1.0.0.255", 2)).hex())
    step("object list", lambda: len(AssociationObjectListParser.parse_bytes(c.get(at(I.ASSOCIATION_LN, "0.0.40.0.0.255", 2)))))
    ckc = CaptureObject(cosem_attribute=at(I.CLOCK, "0.0.1.0.0.255", 2), data_index=0); col2 = CaptureObject(cosem_attribute=at(I.REGISTER, "1.0.1.8.0.255", 2), data_index=0)
    pr = ProfileGenericBufferParser(capture_objects=[ckc.cosem_attribute, at(I.DATA, "0.0.96.10.1.255", 2), col2.cosem_attribute, at(I.REGISTER, "1.0.2.8.0.255", 2)], capture_period=900)
    tz = dt.timezone.utc
    step("profile by range", lambda: len(utils.parse_as_dlms_data(c.get(at(I.PROFILE_GENERIC, "1.0.99.1.0.255", 2), access_descriptor=RangeDescriptor(restricting_object=ckc, from_value=dt.datetime(2026, 1, 3, tzinfo=tz), to_value=dt.datetime(2026, 1, 4, tzinfo=tz))))))
    step("profile all (block transfer)", lambda: len(utils.parse_as_dlms_data(c.get(at(I.PROFILE_GENERIC, "1.0.99.1.0.255", 2)))))
    step("profile parsed", lambda: str(pr.parse_bytes(c.get(at(I.PROFILE_GENERIC, "1.0.99.1.0.255", 2), access_descriptor=RangeDescriptor(restricting_object=ckc, from_value=dt.datetime(2026, 1, 1, tzinfo=tz), to_value=dt.datetime(2026, 1, 1, 1, tzinfo=tz))))[0][0].value))
    step("get_many", lambda: c.get_many([cosem.CosemAttributeWithSelection(attribute=at(I.REGISTER, "1.0.1.8.0.255", 2), access_selection=None), cosem.CosemAttributeWithSelection(attribute=at(I.DATA, "0.0.42.0.0.255", 2), access_selection=None)]).__class__.__name__)
    step("set", lambda: c.set(at(I.DATA, "0.0.96.10.1.255", 2), dlms_data.UnsignedIntegerData(5).to_bytes()).result)
    step("remote_disconnect", lambda: c.action(cosem.CosemMethod(I.DISCONNECT_CONTROL, cosem.Obis.from_string("0.0.96.3.10.255"), 1), dlms_data.IntegerData(0).to_bytes()))
    step("state", lambda: g(I.DISCONNECT_CONTROL, "0.0.96.3.10.255", 3))
    image = lambda method, data: c.action(cosem.CosemMethod(I.IMAGE_TRANSFER, cosem.Obis.from_string("0.0.44.0.0.255"), method), data)
    def image_blocks():
        # Structures of an octet-string and a double-long-unsigned, in either order: it has no words for them.
        image(1, b"\x02\x02\x09\x04fw-1\x06" + (1000).to_bytes(4, "big"))
        for n in range(5): image(2, b"\x02\x02\x06" + n.to_bytes(4, "big") + b"\x09\x81\xc8" + bytes(range(200)))
        return g(I.IMAGE_TRANSFER, "0.0.44.0.0.255", 4)
    # It writes the length of what it ciphers in one octet: no block of 200 octets fits into that.
    if not kw:
        step("image blocks", image_blocks)
        step("image verify", lambda: image(3, dlms_data.IntegerData(0).to_bytes()))
        step("image status", lambda: g(I.IMAGE_TRANSFER, "0.0.44.0.0.255", 6))
    step("unknown object", lambda: g(I.DATA, "9.9.9.9.9.255", 2))
    step("release", c.release_association)
if bad < 3: step("profile by entry (known unimplemented in u9n)", lambda: c.get(at(I.PROFILE_GENERIC, "1.0.99.1.0.255", 2), access_descriptor=EntryDescriptor(from_entry=10, to_entry=29)))
step("disconnect", c.disconnect)
print("steps ok %d failed %d" % (ok, bad))
