"""Postal addresses in a text, where they are written so that they can be told from other words and numbers.

A house number alone is no address: a street's word, a town with its postal code, or both must stand beside it.
"""
# ruff: noqa: RUF001 letters of other scripts are what is looked for

from __future__ import annotations

import re

from encoders.masking_streets import mask_indian, mask_streets

__all__ = ["mask_addresses"]

_UPPER = "A-ZÀ-ÖØ-Þ"
_WORD = rf"[{_UPPER}][\w.'’-]*"
# United States and the Commonwealth. Words such as Drive, Court or Way name products too: they need a town behind them.
_STRONG = r"(?:Street|Avenue|Ave|Boulevard|Blvd|Road|Rd)(?![\w-])\.?"
_WEAK = (
    r"(?:St|Lane|Ln|Drive|Dr|Court|Ct|Place|Pl|Way|Terrace|Circle|Square|Sq|Parkway|Pkwy|Highway|Hwy|Close|Crescent|"
    r"Gardens|Grove|Row|Trail)\b\.?"
)
_COUNTED = r"(?!(?:Way|Piece|Star|Pack|Inch|Speed|Carat|Karat|Count|Pcs|Watt|Volt|Grit|Player|Person|Hour|Minute)s? )"
_STREET_NAME = (
    r"\d{1,5}[A-Za-z]?(?:[-/]\d{1,4})?,? (?:[NSEW]{1,2}\.? )?"
    rf"{_COUNTED}(?:(?:{_WORD}|\d+(?:st|nd|rd|th)) ){{1,3}}"
)
_COMPOUND = (  # what is named after a street: "Road Trip", a mug
    r"(?! (?i:trip|bikes?|cycling|race|racing|map|food|wear|style|art|fighter|photography|lamps?|lights?|shoes?|runner|"
    r"railroad|mug|blu-ray|dvd|cd|lp|vinyl|album|books?|movie|film|posters?|prints?|shirt|puzzle|games?|toys?|tea|coffee|"
    r"perfumes?|necklace|sign|collection)\b)"
)
_UNIT = r"(?:,? (?:Apt|Apartment|Suite|Ste|Unit|Flat|Floor|#)\.? ?\w{1,6})?"
_ZIP = r"\d{5}(?:-\d{4})?(?!\d)"
_PROVINCE = r"(?:ON|QC|BC|AB|MB|SK|NS|NB|NL|PE|NT|YT|NU),? [A-Z]\d[A-Z] ?\d[A-Z]\d(?!\w)"
_STATE_AU = r"(?:NSW|VIC|QLD|SA|WA|TAS|ACT|NT),? \d{4}(?!\d)"
_TOWN_US = rf",? (?:{_WORD},? ){{1,3}}(?:(?:[A-Z]{{2}}|{_WORD}(?: {_WORD})?),? {_ZIP}|{_PROVINCE}|{_STATE_AU})"
_INWARD = r"\d[ABD-HJLNP-UW-Z]{2}(?![A-Za-z0-9])"
_AREAS = (
    "AB|AL|BA|BB|BD|BH|BL|BN|BR|BS|BT|CA|CB|CF|CH|CM|CO|CR|CT|CV|CW|DA|DD|DE|DG|DH|DL|DN|DT|DY|EC|EH|EN|EX|FK|FY|GL|GU|"
    "HA|HD|HG|HP|HR|HS|HU|HX|IG|IP|IV|KA|KT|KW|KY|LA|LD|LE|LL|LN|LS|LU|ME|MK|ML|NE|NG|NN|NP|NR|NW|OL|OX|PA|PE|PH|PL|PO|"
    "PR|RG|RH|RM|SA|SE|SG|SK|SL|SM|SN|SO|SP|SR|SS|ST|SW|SY|TA|TD|TF|TN|TQ|TR|TS|TW|UB|WA|WC|WD|WF|WN|WR|WS|WV|YO|ZE|"
    "[BEGLMNSW]"
)
_POSTCODE = rf"(?<![A-Za-z0-9-])(?:{_AREAS})\d[A-Z\d]? {_INWARD}"
_NO_UNIT = r"(?!\S+ \d(?:GB|TB|XL|HP|HZ|FT|LB|PX|ED)\b)"  # "M10 2GB" is memory
_FLAT = r"(?:(?:Flat|Apartment|Unit) \w{1,5},? )?"
_START = rf"{_FLAT}(?<![\w.$€£#-])"  # no price, no model number
_ALONG = r"(?: [NSEW]{1,2}\b)?"
_TAIL = rf"(?:, (?:{_WORD} ?){{1,3}}, (?:[A-Z]{{2}}|D\.?C\.?) {_ZIP})?"
_ROADS = "(?:street|avenue|ave|road|rd|lane|ln|drive|court|boulevard|blvd|terrace|close|crescent|st)"
_CALLED = r"(?P<cue>(?i:address|live|lives|living|deliver\w*|ship\w*|sent|send|moved)\b[^.!?\d]{0,24})"
_ENGLISH = (
    re.compile(rf"{_START}{_STREET_NAME}(?:{_STRONG}|{_WEAK}){_ALONG}{_UNIT}{_TOWN_US}"),
    re.compile(rf"{_START}(?<!Size ){_STREET_NAME}{_STRONG}{_COMPOUND}{_ALONG}{_UNIT}{_TAIL}"),
    re.compile(rf"\b{_CALLED}(?<![\w.$€£#-]){_STREET_NAME}{_WEAK}(?!\w){_ALONG}{_UNIT}{_TAIL}"),
    re.compile(
        rf"\b{_CALLED}(?<![\w.$€£#-])\d{{1,5}}[a-z]? (?!way |lane )(?:\w+ ){{1,2}}{_ROADS}\b"
        r"(?:,? (?:apt|unit|flat)\.? ?\w{1,6})?"
    ),
    re.compile(rf"\bP\.? ?O\.? (?i:box) \d{{1,6}}(?:,? (?:{_WORD},? ){{1,3}}[A-Z]{{2}} {_ZIP})?"),
)
# a number and a name, then the town with its state and code: an address, whatever the street is called
_ANY_ZIP = re.compile(r", [A-Z]{2} \d{5}")
_BEFORE_A_ZIP = re.compile(
    rf"{_START}\d{{1,5}} (?:(?:{_WORD}|\d{{1,3}}) ){{0,4}}(?:{_WORD}|\d{{1,3}}), "
    rf"(?:{_WORD} ?){{1,3}}, [A-Z]{{2}} {_ZIP}"
)
_ANY_POSTCODE = re.compile(r"[A-Z]\d[A-Z\d]? \d[A-Z]{2}")
_POSTCODES = (
    re.compile(rf"{_START}\d{{1,5}}[A-Za-z]?,? (?:{_WORD},? ){{1,8}}?{_NO_UNIT}{_POSTCODE}"),
    re.compile(rf"{_NO_UNIT}{_POSTCODE}"),
)

_PLZ = rf"(?:[A-Z]{{1,3}}-)?\d{{4,5}} {_WORD}(?: {_WORD})?"
_HOUSE = r"\d{1,4} ?(?:[a-z]\b)?(?: ?[-/] ?\d{1,4}[a-z]?\b)*(?!\w)"
_ROAD = r"(?:stra(?:ß|ss)e|str\.|[ -]Str\.|-Stra(?:ß|ss)e|[ -]Stra(?:ß|ss)e)"
_AT = (
    r"(?:Am|An der|An den|Auf dem|Auf der|Im|In der|Unter den|Zum|Zur|"
    rf"{_WORD}(?:weg|platz|allee|gasse|ring|damm|ufer|markt))"
)
_GERMAN = (
    re.compile(rf"(?:\b{_WORD}[ -])?\b[{_UPPER}][\w-]*{_ROAD} {_HOUSE}(?:,? {_PLZ})?"),
    re.compile(rf"\b{_AT}(?: \w+){{0,3}} {_HOUSE},? {_PLZ}"),
    re.compile(rf"\b(?:Straße|Strasse) {_HOUSE},? {_PLZ}"),
    re.compile(rf"\bPostfach \d{{1,4}}(?: \d{{2,3}}){{0,3}}(?:,? {_PLZ})?"),
)
_VOIE = rf"(?: (?:(?:des?|du|la|les?)\b|[ld]'|{_WORD})| ?(?:l'|d'){_WORD}){{1,6}}"
_FRENCH = (
    re.compile(
        rf"\b\d{{1,4}}(?: ?(?:bis|ter))?,? (?:[Rr]ue|avenue|boulevard|bd|place|chemin|allée|impasse|quai|cours|route)"
        rf"{_VOIE}(?:,? \d{{5}} {_WORD}(?: {_WORD})?)?"
    ),
    re.compile(
        r"\b\d{1,4}(?: ?(?:bis|ter))?,? (?:Av(?:enue|\.)|Boulevard|Bd|Place|Pl\.|Chemin|Allée|Impasse|Quai|Cours|"
        rf"Route){_VOIE},? \d{{5}} {_WORD}(?: {_WORD})?"
    ),
)
_OF = r" (?:de|del|della|di|da|das|do|dos|la|las|el)\b"
_SOUTHERN = re.compile(
    r"(?:\b(?:Calle|Avenida|Av\.|Avda\.|Paseo|Plaza|Via|Viale|Piazza|Corso|Rua|Praça)|\b[Cc]/)"
    rf"(?:{_OF}| {_WORD}){{1,5}},? \d{{1,4}}[a-z]?(?!\w)(?:, \d{{1,2}}[oaº]? ?(?:[A-Z]|izq|dcha|der)?\b\.?)?"
    rf"(?:,| -)? (?:\d{{5}}(?:-\d{{3}})?|\d{{4}}-\d{{3}})? ?{_WORD}(?: {_WORD})?(?: \d{{5}}| \([A-Z]{{2}}\))?"
)
_DUTCH = re.compile(
    rf"\b[{_UPPER}]\w+(?:straat|laan|gracht|kade|plein|dijk|singel|weg) {_HOUSE}(?:,? \d{{4}} ?[A-Z]{{2}} {_WORD})?"
)

_HAN = "[\u3400-\u9fff]"
# a name of a place: not the words that lead to it ("我住在", "寄到")
_PLACE = "(?:(?![在到是寄住址的了和给送往从我你他她第这那])[\u3400-\u9fff])"
_NUMERAL = "[0-9一二三四五六七八九十百]"
_INSIDE = "(?:号楼|號樓|栋|幢|座|单元|楼|樓|层|室|院|户|房)"
_WITHIN = rf"(?:{_PLACE}{{0,12}}(?:[A-Za-z]座|{_NUMERAL}+{_INSIDE}))"
_UP_TO_DISTRICT = (
    rf"(?:{_PLACE}{{2,8}}?(?:省|自治区))?(?:{_PLACE}{{2,8}}?市)?(?:{_PLACE}{{1,8}}?[区區县縣市旗])?"
    rf"(?:{_PLACE}{{1,8}}?[镇鎮乡鄉])?"
)
_ESTATE = "(?:(?:小区|花园|公寓|大厦|家园|新村|苑|庭|城|广场|园|里|坊)(?:[一二三四五六七八九十]+[区期])?)"
_KANA = "[\u3040-\u30ff\u3400-\u9fff]"
_CHINESE = (
    re.compile(
        rf"{_UP_TO_DISTRICT}{_PLACE}{{1,14}}(?:大?[路街道巷]|大街|胡同|大道中|[路街道][一二三四五六七八九十东西南北中]?段)[东西南北中甲乙丙]?\s?"
        rf"\d{{1,5}}(?:[-之]\d{{1,4}})?\s?[号號弄段](?![位球线])\d{{0,4}}[A-Za-z]?{_WITHIN}*"
    ),
    re.compile(rf"(?:{_PLACE}{{2,8}}?(?:省|市|区|县|镇))*{_PLACE}{{1,8}}村{_NUMERAL}+组\s?\d{{0,4}}[号號]?"),
    re.compile(
        rf"(?:{_PLACE}{{2,8}}?(?:省|市|区|县))*{_PLACE}{{2,10}}{_ESTATE}\d+(?:号楼|栋|幢|座|单元)"
        r"(?:\d+(?:单元|室|号|层|楼))*"
    ),
    re.compile(
        rf"(?:{_HAN}{{2,3}}?[都道府県])(?:{_HAN}{{1,8}}?[市区郡])?(?:{_KANA}{{1,12}}?)\d{{1,3}}(?:-\d{{1,4}}){{1,2}}"
    ),
    re.compile(
        rf"(?:{_HAN}{{2,3}}?[都道府県])?(?:{_HAN}{{1,8}}?[市区町村]){{0,3}}{_KANA}{{0,10}}\d{{1,3}}丁目"
        r"(?:\d{1,3}番地?)?(?:\d{1,3}号)?"
    ),
    re.compile(r"〒\s?\d{3}-?\d{4}"),
)

# Words one of which each family of patterns needs: looked for first, for most texts hold none.
_ENGLISH_WORDS = (
    "Street", "Ave", "Boulevard", "Blvd", "Road", "Rd", "St ", "St.", "St,", "Lane", "Ln", "Drive", "Dr", "Court", "Ct",
    "Place", "Pl", "Way", "Terrace", "Circle", "Sq", "Parkway", "Pkwy", "Highway", "Hwy", "Close", "Crescent",
    "Gardens", "Grove", "Row", "Trail", "Box", "BOX", "box", "street", "avenue", "ave", "road", "rd", "lane", "ln",
    "drive", "court", "boulevard", "blvd", "terrace", "close", "crescent", " st",
)  # fmt: skip
_GERMAN_WORDS = (
    "stra", "Stra", "str.", "Str.", "weg", "platz", "allee", "gasse", "ring", "damm", "ufer", "markt", "Am ", "An de",
    "Auf de", "Im ", "In der", "Unter den", "Zum ", "Zur ", "Postfach",
)  # fmt: skip
_FRENCH_WORDS = (
    "rue", "Rue", "avenue", "boulevard", "bd ", "place", "chemin", "allée", "impasse", "quai", "cours", "route", "Av",
    "Boul", "Bd ", "Pl", "Chemin", "Allée", "Impasse", "Quai", "Cours", "Route",
)  # fmt: skip
_SOUTHERN_WORDS = ("Calle", "Av", "Paseo", "Plaza", "C/ ", "c/ ", "Via", "Piazza", "Corso", "Rua", "Praça")
_DUTCH_WORDS = ("straat", "laan", "gracht", "kade", "plein", "dijk", "singel", "weg")
_FAMILIES = (
    (_ENGLISH_WORDS, _ENGLISH),
    (_GERMAN_WORDS, _GERMAN),
    (_FRENCH_WORDS, _FRENCH),
    (_SOUTHERN_WORDS, (_SOUTHERN,)),
    (_DUTCH_WORDS, (_DUTCH,)),
)


def mask_addresses(text: str) -> str:
    """Return `text` with postal addresses as `[address]`."""
    text = mask_indian(text)
    if _ANY_POSTCODE.search(text):
        for pattern in _POSTCODES:
            text = pattern.sub("[address]", text)
    if _ANY_ZIP.search(text):
        text = _BEFORE_A_ZIP.sub("[address]", text)
    for words, patterns in _FAMILIES:
        if any(word in text for word in words):
            for pattern in patterns:
                text = pattern.sub(_kept_cue, text)
    if not text.isascii():
        for pattern in _CHINESE:
            text = pattern.sub("[address]", text)
    return mask_streets(text)


def _kept_cue(found: re.Match[str]) -> str:
    return (found.groupdict().get("cue") or "") + "[address]"
