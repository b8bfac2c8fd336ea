"""The protocol of docs/SPEC.md in Python: forms, hashes, signatures, merge and judgement.

Everything here follows from that document, and from docs/KEYSET.md what is about keysets. It shares no code
with the toolkit, so that where both agree the documents say enough. Needs the package `cryptography` for Ed25519 and nothing else. `verify.py` is its
command line.

Numbers in brackets name the sections of docs/SPEC.md; the codes are those of docs/VERIFICATION.md.
"""

from .documents import judge
from .keys import fingerprint_of, public_key, raw_of, verifies
from .keysets import Standing, custodian
from .merge import ARRAYS, Merged, key_table
from .records import alias, canonical_text, number_of, record
from .forms import (
    Malformed,
    anything,
    canonical,
    constant,
    decoded,
    digest,
    fingerprint,
    key_id,
    listed,
    matching,
    nullable,
    one_of,
    pith_number,
    read,
    record_of,
    require,
    sha256,
    signature_bytes,
    text,
    whole,
)
from .timestamps import header_root
from .trust import Policy, trusted_entry, trusted_keys
