#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-only
#
# A work using gurux-dlms, which is GPL-2.0. The tests run it as a program of its own beside ours;
# it is linked into nothing, copied into nothing and shipped with nothing.
"""The translator of gurux-dlms: octets to XML and XML to octets.

    gurux_translator.py FILE

FILE has a JSON object a line: {"style": "simple" or "standard", and "hex" or "xml"}. For each a JSON
object is printed: {"xml": ...} of the octets, {"hex": ...} of the XML, or {"error": ...}.
"""
import contextlib
import io
import json
import sys

from gurux_dlms import GXDLMSTranslator
from gurux_dlms.enums import TranslatorOutputType

STYLES = {
    "simple": TranslatorOutputType.SIMPLE_XML,
    "standard": TranslatorOutputType.STANDARD_XML,
}


def answer(request):
    # A translator keeps state between messages.
    translator = GXDLMSTranslator(STYLES[request["style"]])
    translator.comments = False
    try:
        # It prints what it does not know.
        with contextlib.redirect_stdout(io.StringIO()):
            if "hex" in request:
                return {"xml": translator.pduToXml(bytes.fromhex(request["hex"]))}
            octets = translator.xmlToPdu(request["xml"])
        return {"hex": bytes(octets.array()).hex()}
    except Exception as error:  # whatever it is, it is its answer
        return {"error": f"{type(error).__name__}: {error}"}


with open(sys.argv[1], encoding="utf-8") as lines:
    for line in lines:
        print(json.dumps(answer(json.loads(line))), flush=True)
