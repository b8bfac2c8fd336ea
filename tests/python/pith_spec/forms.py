"""Canonical JSON, read strictly, and the forms of values [1]."""

import base64
import binascii
import hashlib
import json
import re
from datetime import datetime

class Malformed(Exception):
    """A document that is not strict JSON, or not of its form."""


def canonical(value):
    return json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=False).encode()


def sha256(data):
    return hashlib.sha256(data).hexdigest()


def digest_of(value, *omit):
    """The hash of an object without some of its members."""
    return sha256(canonical({key: item for key, item in value.items() if key not in omit}))


def depth(value):
    """How deep the containers of a value nest; a scalar has depth 0."""
    deepest, open_values = 0, [(value, 1)]
    while open_values:
        item, level = open_values.pop()
        if isinstance(item, (dict, list)):
            deepest = max(deepest, level)
            inner = item.values() if isinstance(item, dict) else item
            open_values.extend((value, level + 1) for value in inner)
    return deepest


def read(data, floats=True):
    """Reads strictly. Floats come through where `floats` allows them; typed places refuse them."""

    def members(pairs):
        found = dict(pairs)
        if len(found) != len(pairs):
            raise Malformed("a key stands twice in one object")
        return found

    def integer(token):
        if token == "-0" or len(token) > 20 or not -(2**63) <= int(token) < 2**64:
            raise Malformed(f"the integer {token} is not allowed")
        return int(token)

    def real(token):
        if not floats or repr(float(token)) != token:
            raise Malformed(f"the number {token} is not allowed")
        return float(token)

    def refuse(token):
        raise Malformed(f"{token} is no JSON")

    try:
        value = json.loads(
            data.decode("utf-8"),
            object_pairs_hook=members,
            parse_int=integer,
            parse_float=real,
            parse_constant=refuse,
        )
        # A lone surrogate has no UTF-8 form.
        canonical(value)
    except (ValueError, RecursionError) as error:
        raise Malformed(str(error)) from error
    count, open_values = 0, [value]
    while open_values:
        item = open_values.pop()
        count += 1
        if isinstance(item, (dict, list)):
            open_values.extend(item.values() if isinstance(item, dict) else item)
    if depth(value) > 128 or count > 8_388_608:
        raise Malformed("nests too deep or holds too many values")
    return value


# Forms: each takes a value and raises Malformed unless it fits.

def require(holds, message):
    if not holds:
        raise Malformed(message)


def anything(_):
    pass


def text(value):
    require(isinstance(value, str), "not a string")


def constant(expected):
    def form(value):
        require(isinstance(value, str) and value == expected, f"not {expected}")

    return form


def one_of(*texts):
    def form(value):
        require(isinstance(value, str) and value in texts, f"none of {texts}")

    return form


def matching(pattern, further=lambda _: True):
    compiled = re.compile(pattern, re.ASCII)

    def form(value):
        fits = isinstance(value, str) and compiled.fullmatch(value) is not None
        require(fits and further(value), f"{value!r} has not the form {pattern}")

    return form


def whole(least, most):
    def form(value):
        require(type(value) is int and least <= value <= most, f"no integer from {least} to {most}")

    return form


def nullable(inner):
    def form(value):
        if value is not None:
            inner(value)

    return form


def listed(inner):
    def form(value):
        require(isinstance(value, list), "not a list")
        for item in value:
            inner(item)

    return form


def record_of(fields, optional=(), more=False):
    """An object with these members; `more` lets others stand beside them."""

    def form(value):
        require(isinstance(value, dict), "not an object")
        for name, inner in fields.items():
            if name in value:
                inner(value[name])
            else:
                require(name in optional, f"{name} is missing")
        require(more or set(value) <= set(fields), "has members that are not known")

    return form


def is_time(value):
    try:
        datetime.strptime(value[:19], "%Y-%m-%dT%H:%M:%S")
        # strptime takes a leap second for a time.
        return value[17:19] < "60" and value[:4] != "0000"
    except ValueError:
        return False


seconds = matching(r"[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}Z", is_time)
micros = matching(r"[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}\.[0-9]{6}Z", is_time)
digest = matching(r"[0-9a-f]{64}")
fingerprint = matching(r"[0-9a-f]{32}")
event_id = matching(r"sha256:[0-9a-f]{64}")
pith_number = matching(r"pith:[0-9]{4}:[A-Z2-7]{26}", lambda value: value[5:9] != "0000")
short_number = matching(r"pith:[A-Z2-7]{8}")
key_id = matching(r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}")
category = matching(r"[A-Za-z][A-Za-z0-9-]*(\.[A-Za-z][A-Za-z0-9-]*)?")
count = whole(0, 2**64 - 1)

ARCHIVES = """acc-phys adap-org alg-geom ao-sci astro-ph atom-ph bayes-an chao-dyn chem-ph cmp-lg comp-gas
    cond-mat cs dg-ga funct-an gr-qc hep-ex hep-lat hep-ph hep-th math math-ph mtrl-th nlin nucl-ex nucl-th
    patt-sol physics plasm-ph q-alg q-bio quant-ph solv-int supr-con""".split()


def is_arxiv_id(value):
    archive, slash, number = value.rpartition("/")
    if slash:
        return archive in ARCHIVES and re.fullmatch("[0-9]{7}", number) and "01" <= number[2:4] <= "12"
    found = re.fullmatch(r"([0-9]{4})\.([0-9]{4,5})", value)
    if not found or not "01" <= value[2:4] <= "12":
        return False
    month = found[1]
    return "0704" <= month <= "1412" if len(found[2]) == 4 else month >= "1501"


arxiv_id = matching(r"[a-z0-9./-]+", is_arxiv_id)


def decoded(value, length=None):
    """The bytes of canonical base64; None if it is not that, or of another length."""
    try:
        data = base64.b64decode(value, validate=True)
    except (binascii.Error, ValueError, TypeError):
        return None
    fits = base64.b64encode(data).decode() == value and length in (None, len(data))
    return data if fits else None


def signature_bytes(value):
    require(isinstance(value, str) and decoded(value, 64) is not None, "not 64 bytes in base64")


def categories(value):
    listed(category)(value)
    require(all(a < b for a, b in zip(value, value[1:])), "not sorted, each once")
