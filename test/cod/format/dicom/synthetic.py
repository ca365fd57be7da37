"""Writes synthetic.json: small DICOM files (base64 of gzip) and what pydicom 3.0.2 makes of them, in the way in which
cloud-optimized-dicom 2.2.0 calls it. Where ours differs on purpose the test says so.

    python3 -m venv /tmp/venv && /tmp/venv/bin/pip install pydicom==3.0.2
    /tmp/venv/bin/python test/cod/format/dicom/synthetic.py
    node_modules/.bin/biome format --write test/cod/format/dicom/synthetic.json
"""

import gzip
import json
import struct
import warnings
import zlib
from base64 import b64encode
from io import BytesIO
from pathlib import Path

import pydicom

warnings.simplefilter("ignore")
LONG = {"OB", "OD", "OF", "OL", "OV", "OW", "SQ", "SV", "UC", "UN", "UR", "UT", "UV"}
UNDEFINED = 0xFFFFFFFF


def ex(tag, vr, value=b"", length=None, order="<"):
    """An element in explicit VR."""
    value = value.encode("latin1") if isinstance(value, str) else value
    length = len(value) if length is None else length
    head = struct.pack(order + "HH", tag >> 16, tag & 0xFFFF) + vr.encode()
    return head + (struct.pack(order + "HL", 0, length) if vr in LONG else struct.pack(order + "H", length)) + value


def im(tag, value=b"", length=None):
    """An element in implicit VR."""
    value = value.encode("latin1") if isinstance(value, str) else value
    return struct.pack("<HHL", tag >> 16, tag & 0xFFFF, len(value) if length is None else length) + value


def item(*elements, undefined=False):
    value = b"".join(elements)
    if undefined:
        return im(0xFFFEE000, value, UNDEFINED) + im(0xFFFEE00D)
    return im(0xFFFEE000, value)


def fragments(*values):
    return b"".join(im(0xFFFEE000, value) for value in values)


END = im(0xFFFEE0DD)
IMPLICIT, EXPLICIT, BIG, DEFLATED, JPEG = (
    "1.2.840.10008.1.2" + end for end in ("", ".1", ".2", ".1.99", ".4.50"))


def file(elements, syntax=EXPLICIT, meta=b"", preamble=bytes(128)):
    uid = syntax.encode() + b"\0" * (len(syntax) % 2)
    meta = ex(0x00020010, "UI", uid) + meta
    meta = ex(0x00020000, "UL", struct.pack("<L", len(meta))) + meta
    body = b"".join(elements)
    if syntax == DEFLATED:
        squeeze = zlib.compressobj(wbits=-15)
        body = squeeze.compress(body) + squeeze.flush()
    return preamble + b"DICM" + meta + body


def expected(data):
    def bulk(element):
        return {"uri": "URI", "head": data[element.file_tell:element.file_tell + 512].decode("utf-8", "replace")}

    dataset = pydicom.dcmread(BytesIO(data), defer_size=1024)
    options = {"bulk_data_threshold": 1024, "bulk_data_element_handler": bulk}
    tags = dataset.to_json_dict(suppress_invalid_tags=True, **options)
    tags.update(dataset.file_meta.to_json_dict(**options))
    return tags


def charset(names, *values, vr="PN", tag=0x00100010):
    return [ex(0x00080005, "CS", names), *(ex(tag, vr, value) for value in values)]


CASES = {}


def case(name, elements, **how):
    CASES[name] = file(elements, **how)


def single(vr, values, tag=0x00091010):
    for value in values:
        value = value.encode("latin1") if isinstance(value, str) else value
        shown = value[:40] + (b"~%d" % len(value) if len(value) > 40 else b"")
        case(f"{vr} {shown!r}", [ex(tag, vr, value)])


single("AE", ["  A \\ B  ", "", "  ", "\\", "X" * 20, "a\0"])
single("CS", ["A \\B  ", " lead", "A\\\\B", "\\", "lower", "   ", "a\0b ", "\xe9", "X" * 17])
single("DA", ["2024-01-31", "20240131\\20240201 "])
single("AS", ["45Y", "045Y"])
single("DT", ["20240131120000.000000+0100 "])
single("TM", ["120000.5 ", "25"])
single("LO", ["A ", " B", "X" * 64, "X" * 65, "X" * 60 + "    ", "X" * 60 + " " * 5, "a\\b \\c", "\\", "a\0", "\0\0"])
single("SH", ["X" * 16, "X" * 17, "a\\\\b"])
single("UC", ["X" * 100, "a\\b "])
single("ST", ["a\\b \r\n ", "X" * 1024, "X" * 1026])
single("LT", ["  a\\b  ", "X" * 10240, "X" * 10242])
single("UT", ["a\\b", "X" * 12000])
single("UR", ["http://a\\b  ", "a\0", " "])
single("UI", ["1.2.3\0", "1.2\\3.4 ", "1.02", "1.2.", "a.b", " 1.2", "1.2 \\3.4", "1.2\\\\3", "1" * 64, "1" * 66, "0", "\0", ""])
single("PN", ["Doe^John", "Doe^John==", "Doe^^^", "=B", "A=B=C", "A=B=C=D", "A==C", "===", "==", "A\\B", "A\\\\B", "A\\", "X" * 64, "X" * 65, "A" * 64 + "=" + "B" * 64 + " ", "^", " "])
single("IS", ["0012", "+5", "-0 ", " 7 ", "2147483647", "2147483648", "-2147483648", "1.0", "1.5", "x", "1\\2", "1\\\\2", "1\\", "            1", " " * 4, "1_0", "\\"])
single("DS", ["1", "1.0 ", "-0", "1e-7", "1e5", ".5", "5.", "+1", "1,5", "NaN", "inf", "1\\2.5", "1\\\\2", "12345678901234567", " 1 \\ 2 ", "1234567890.12345", "abc", "1_0", "\\", "  "])
single("FL", [struct.pack("<f", 0.1), struct.pack("<2f", 1, -0.0), b"abc", b""])
single("FD", [struct.pack("<d", 0.1), struct.pack("<2d", 1e300, 5e-324), b"abcd"])
single("US", [struct.pack("<3H", 1, 2, 65535), b"a"])
single("SS", [struct.pack("<2h", -1, 32767), b"abc"])
single("UL", [struct.pack("<L", 4294967295), b"ab"])
single("SL", [struct.pack("<l", -2147483648), b"abcdef"])
single("UV", [struct.pack("<Q", 9223372036854775809), struct.pack("<2Q", 9007199254740991, 9007199254740992), b"abcd"])
single("SV", [struct.pack("<q", -9223372036854775808), struct.pack("<q", -5)])
single("AT", [struct.pack("<4H", 0x18, 0x1063, 0x7FE0, 0x10), b"abc", b"abcdef"])
for vr in ["OB", "OW", "OF", "OD", "OL", "OV", "UN"]:
    single(vr, [b"", b"\1\2", bytes(range(256)) * 3, bytes(range(256)) * 3 + b"a", bytes(range(256)) * 3 + b"ab"])
single("ZZ", ["ab", ""])

case("order is the file's, the last of two counts", [ex(0x00100020, "LO", "b "), ex(0x00080060, "CS", "CT"), ex(0x00100020, "LO", "c ")])
case("group lengths and padding are kept", [ex(0x00080000, "UL", struct.pack("<L", 4)), ex(0x00080060, "CS", "CT"), ex(0xFFFCFFFC, "OB", bytes(8))])
case("a head of bytes that are no UTF-8", [ex(0x00091010, "OB", b"\xef\xbb\xbfa\xff\xc3\xa9\xe2\x82\xf0\x9f\x98" * 80)])
case("three stray bytes at the end", [ex(0x00080060, "CS", "CT"), b"\0\0\0"])
case("eight zero bytes at the end", [ex(0x00080060, "CS", "CT"), bytes(8)])
case("a preamble of another format", [ex(0x00080060, "CS", "CT")], preamble=b"II*\0" + bytes(124))
case("a delimiter ends it", [ex(0x00080060, "CS", "CT"), im(0xFFFEE00D), ex(0x00100020, "LO", "x ")])
case("meta elements stay unvalidated", [ex(0x00080060, "CS", "CT")], meta=ex(0x00020012, "UI", "1.02") + ex(0x00020013, "SH", "X" * 20) + ex(0x00020001, "OB", b"\0\1"))

INNER = ex(0x00080100, "SH", "A ")
BAD = ex(0x0020000D, "UI", "1.02")
case("a sequence without items", [ex(0x00081140, "SQ"), ex(0x00081150, "SQ", END, UNDEFINED)])
case("an empty item", [ex(0x00081140, "SQ", item()), ex(0x00081145, "SQ", item(undefined=True) + END, UNDEFINED)])
case("items of either length", [ex(0x00081140, "SQ", item(INNER) + item(INNER, undefined=True)), ex(0x00081145, "SQ", item(INNER) + item(INNER, undefined=True) + END, UNDEFINED)])
case("sequences in sequences", [ex(0x00081140, "SQ", item(ex(0x00081145, "SQ", item(INNER, ex(0x00081150, "SQ", item(INNER)))))), ex(0x00100020, "LO", "x ")])
case("a bad element takes its sequence along", [ex(0x00081140, "SQ", item(INNER, BAD)), ex(0x00081145, "SQ", item(INNER, BAD) + END, UNDEFINED), ex(0x00100020, "LO", "x ")])
case("a bad element three deep", [ex(0x00081140, "SQ", item(ex(0x00081145, "SQ", item(BAD)))), ex(0x00100020, "LO", "x ")])
case("an unknown VR in a sequence", [ex(0x00081140, "SQ", item(ex(0x00080100, "ZZ", "ab")))])
case("a bulk value in a sequence of undefined length", [ex(0x00081140, "SQ", item(ex(0x00091010, "OB", bytes(range(256)) * 4), undefined=True) + END, UNDEFINED)])
case("implicit items in an explicit sequence", [ex(0x00081140, "SQ", item(im(0x00080100, "A "))), ex(0x00081145, "UN", item(im(0x00080100, "A "), undefined=True) + END, UNDEFINED)])

case("UN with a known tag", [ex(0x00100020, "UN", "ID "), ex(0x00280010, "UN", b"\1\0"), ex(0x00081140, "UN", item(im(0x00080100, "A "))), ex(0x00041234, "UN", b"ab")])
case("UN with a long value", [ex(0x00104000, "UN", b"a" * 0xFFFE), ex(0x00204000, "UN", b"b" * 0x10000)])
CSA = ex(0x00290010, "LO", "SIEMENS CSA HEADER")
case("private tags by creator, as UN", [CSA, ex(0x00291008, "UN", "IMAGE NUM 4 "), ex(0x00291010, "UN", b"SV10"), ex(0x002910FF, "UN", b"ab"), ex(0x00291108, "UN", b"ab"), ex(0x00290011, "UN", "OTHER ")])
case("private tags as they are declared", [CSA, ex(0x00291008, "LO", "x "), ex(0x00291108, "US", b"\1\0")])
case("private tags by creator, implicit", [im(0x00290010, "SIEMENS CSA HEADER"), im(0x00291008, "IMAGE NUM 4 "), im(0x00291010, b"SV10"), im(0x002910FF, b"ab"), im(0x00292008, b"ab"), im(0x00290001, b"ab")], syntax=IMPLICIT)
case("private tags of many groups, and of a VR that is none", [im(0x70010010, "DLX_ANNOT_01"), im(0x70011004, "text"), im(0x70190010, "TOSHIBA_MEC_OT3 "), im(0x70191080, "ab"), im(0x00270010, "FDMS 1.0"), im(0x002710A3, "ab")], syntax=IMPLICIT)
case("a private sequence, implicit", [im(0x00290010, "UNKNOWN "), im(0x00291008, item(im(0x00080100, "A ")) + END, UNDEFINED), im(0x00291009, item(im(0x00080100, "A ")))], syntax=IMPLICIT)
case("unknown public tags, implicit", [im(0x00041234, b"ab"), im(0x00040000, struct.pack("<L", 1)), im(0x00080060, "CT")], syntax=IMPLICIT)
case("repeating groups, implicit", [im(0x60000010, b"\1\0"), im(0x60020011, b"\2\0"), im(0x60003000, b"\1\2"), im(0x50003000, b"\1\2"), im(0x00203101, "a ")], syntax=IMPLICIT)
case("a sequence, implicit", [im(0x00081140, item(im(0x00080100, "A "), undefined=True) + item(im(0x00080100, "B "))), im(0x00081145, item(im(0x00080100, "A ")) + END, UNDEFINED)], syntax=IMPLICIT)
SMALLEST, PADDING = im(0x00280106, struct.pack("<h", -3)), im(0x00280120, struct.pack("<h", -3))
for name, sign in [("without a sign", []), ("unsigned", [im(0x00280103, b"\0\0")]), ("signed", [im(0x00280103, b"\1\0")])]:
    case(f"US or SS, {name}", [*sign, SMALLEST, PADDING, im(0x00281101, struct.pack("<3h", -3, 0, 16))], syntax=IMPLICIT)
    case(f"US or SS with pixels, {name}", [*sign, SMALLEST, im(0x7FE00010, b"\1\2\3\4")], syntax=IMPLICIT)
    case(f"US or SS in an item, {name}", [*sign, im(0x00283010, item(im(0x00283002, struct.pack("<3h", -3, 0, 16)), im(0x00283006, b"\1\2"))), im(0x00081140, item(SMALLEST))], syntax=IMPLICIT)
case("an item's own sign", [im(0x00280103, b"\0\0"), im(0x00081140, item(im(0x00280103, b"\1\0"), SMALLEST))], syntax=IMPLICIT)
case("LUT data of one entry", [im(0x00280103, b"\0\0"), im(0x00283010, item(im(0x00283002, struct.pack("<3H", 1, 0, 16)), im(0x00283006, b"\1\2")))], syntax=IMPLICIT)
case("LUT data without a descriptor", [im(0x00283006, b"\1\2")], syntax=IMPLICIT)
case("a LUT descriptor of negative length", [ex(0x00281101, "SS", struct.pack("<3h", -3, -4, 16)), ex(0x00283002, "SS", struct.pack("<h", -3))])
case("waveform values, implicit", [im(0x54001004, b"\x08\0"), im(0x54001010, b"\1\2")], syntax=IMPLICIT)
case("waveform values as UN", [ex(0x54001004, "US", b"\x08\0"), ex(0x54001010, "UN", b"\1\2"), ex(0x5400100A, "UN", b"\1\2")])
case("waveform values without bits", [ex(0x54001010, "UN", b"\1\2")])
case("pixels as UN", [ex(0x00280100, "US", b"\x10\0"), ex(0x7FE00010, "UN", b"\1\2")])
case("small pixels as UN", [ex(0x00280100, "US", b"\x08\0"), ex(0x7FE00010, "UN", b"\1\2")])
case("pixels of an implicit item", [ex(0x00880200, "UN", item(im(0x00280100, b"\x08\0"), im(0x7FE00010, b"\1\2"), undefined=True) + END, UNDEFINED)])
case("pixels, implicit", [im(0x00280100, b"\x08\0"), im(0x7FE00010, b"\1\2")], syntax=IMPLICIT)
case("small encapsulated pixels are inlined", [ex(0x7FE00010, "OB", fragments(b"", b"abcd", b"ef") + END, UNDEFINED)], syntax=JPEG)
case("encapsulated pixels", [ex(0x7FE00010, "OB", fragments(b"\0" * 4, b"a" * 900) + END, UNDEFINED), ex(0xFFFCFFFC, "OB", bytes(4))], syntax=JPEG)
case("big endian", [ex(0x00280010, "US", b"\1\2", order=">"), ex(0x00191010, "FD", struct.pack(">d", 0.1), order=">"), ex(0x00191011, "AT", struct.pack(">2H", 0x18, 0x1063), order=">"), ex(0x00191012, "OW", b"\1\2", order=">"), ex(0x00191013, "SV", struct.pack(">q", -5), order=">")], syntax=BIG)
case("deflated", [ex(0x00080060, "CS", "CT"), ex(0x00100020, "LO", "x "), ex(0x7FE00010, "OW", bytes(600))], syntax=DEFLATED)
case("implicit under the name of explicit", [im(0x00080060, "CT"), im(0x00100020, "x ")])
case("explicit under the name of implicit", [ex(0x00080060, "CS", "CT"), ex(0x00100020, "LO", "x ")], syntax=IMPLICIT)
case("a VR in small letters", [ex(0x00080060, "CS", "CT"), ex(0x00091010, "Ab", "ab"), ex(0x00100020, "LO", "x ")])
case("turns implicit midway", [ex(0x00080060, "CS", "CT"), im(0x00100020, "x ")])

YAMADA = "Yamada^Tarou=\x1b$B;3ED\x1b(B^\x1b$BB@O:\x1b(B=\x1b$B$d$^$@\x1b(B^\x1b$B$?$m$&\x1b(B"
case("Japanese by escapes", charset("\\ISO 2022 IR 87", YAMADA))
case("Japanese half width", charset("ISO 2022 IR 13\\ISO 2022 IR 87", b"\xd4\xcf\xc0\xde^\xc0\xdb\xb3=\x1b$B;3ED\x1b(J^\x1b$BB@O:\x1b(J=\x1b$B$d$^$@\x1b(J^\x1b$B$?$m$&\x1b(J"))
case("Japanese supplementary", charset("\\ISO 2022 IR 87\\ISO 2022 IR 159", b"\x1b$(D\x30\x21\x1b(B^\x1b$B!A!B!]!q\x1b(B"))
case("Korean", charset("\\ISO 2022 IR 149", b"Hong^Gildong=\x1b$)C\xfb\xf3^\x1b$)C\xd1\xce\xd4\xd7=\x1b$)C\xc8\xab^\x1b$)C\xb1\xe6\xb5\xbf"))
case("Korean over lines", charset("\\ISO 2022 IR 149", b"\x1b$)C\xc8\xab\r\nabc\r\n\x1b$)C\xb1\xe6 ", vr="LT"))
case("signs of Shift JIS", charset("ISO_IR 13", b"\x81\x60\x81\x61\x81\x7c\x81\x91\x81\x92\x81\xca", vr="LO"))
case("a line's end takes an escape back", charset("ISO 2022 IR 100\\ISO 2022 IR 144", b"\x1b-L\xbb\xee\r\n\xe9\x1b-L\xbb\t\xbb", vr="LT"))
case("Chinese by GB 18030", charset("GB18030", b"Wang^XiaoDong=\xcd\xf5^\xd0\xa1\xb6\xab="))
case("Chinese by GBK", charset("GBK", b"Wang^XiaoDong=\xcd\xf5^\xd0\xa1\xb6\xab="))
case("Unicode", charset("ISO_IR 192", "Wáng^小東\U0001d11e".encode(), b"\xff\xfe"))
case("Unicode, characters and not bytes are counted", charset("ISO_IR 192", "小".encode() * 64, "\U0001d11e".encode() * 64, vr="LO"))
case("Unicode, too long", charset("ISO_IR 192", "\U0001d11e".encode() * 65, vr="LO"))
case("Unicode stands alone", charset("ISO_IR 192\\ISO 2022 IR 87", YAMADA))
for number in [100, 101, 109, 110, 126, 127, 138, 144, 148, 166, 13]:
    text = bytes(range(0xA1, 0xDB))
    case(f"repertoire {number}", charset(f"ISO_IR {number}", text, vr="LO"))
    case(f"repertoire {number} above", charset(f"ISO_IR {number}", bytes(range(0xDF, 0xFC)), vr="LO"))
    case(f"repertoire {number} refuses", charset(f"ISO_IR {number}", b"\xff\xdb\xae\xa5", vr="LO"))
case("several repertoires", charset("ISO 2022 IR 100\\ISO 2022 IR 144\\ISO 2022 IR 126", b"\xe9 \x1b-L\xbb\xee\x1b-F\xc4\xe9 \x1b-A\xe9", vr="LO"))
case("an escape sequence that was not announced", charset("ISO 2022 IR 100", b"\x1b-L\xbb\xee", vr="LO"))
case("an unknown escape sequence", charset("ISO 2022 IR 100\\ISO 2022 IR 144", b"\x1b%G\xbb\xee", vr="LO"))
case("unknown character set", charset("WHATEVER", b"M\xfcller", vr="LO"))
case("no character set", [ex(0x00100010, "PN", b"M\xfcller"), ex(0x00080060, "CS", b"\xfc ")])
case("a misspelt character set", charset("ISO-IR 144", b"\xbb\xee", vr="LO"))
case("items inherit the character set", [ex(0x00080005, "CS", "ISO_IR 144"), ex(0x00081140, "SQ", item(ex(0x00100020, "LO", b"\xbb\xee"))), ex(0x00081145, "SQ", item(ex(0x00080005, "CS", "ISO_IR 101"), ex(0x00100020, "LO", b"\xbb\xee")) + END, UNDEFINED), ex(0x00081150, "SQ", item(ex(0x00080005, "CS"), ex(0x00100020, "LO", b"\xbb\xee")))])
case("an escape at the end", charset("\\ISO 2022 IR 87", b"abc\x1b", vr="LO"))
case("half a character", charset("\\ISO 2022 IR 87", b"\x1b$B;\x1b(B", vr="LO"))

rows = [{"name": name, "file": b64encode(gzip.compress(data, mtime=0)).decode(), "expected": expected(data)} for name, data in CASES.items()]
text = "[\n" + ",\n".join(json.dumps(row) for row in rows) + "\n]\n"
Path(__file__).with_suffix(".json").write_text(text)
print(len(rows), "cases", len(text), "bytes")
