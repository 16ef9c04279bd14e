"""Users who asked to be forgotten, and users who go by a hash: both by one salt, so that a night knows them again.

`DIR/salt` (readable by its owner alone) and `DIR/forgotten` lie beside the runs; the environment variable
`SHELFWISE_SALT` stands in for the file where the salt must lie elsewhere. Who has the salt can try ids one by one, so a
hash is a name to work with, not an anonymous one.
"""

from __future__ import annotations

import hashlib
import os
import re
import secrets
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import polars as pl

from warehouse.errors import InputError
from warehouse.runs import sync_folder

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

__all__ = ["SALT_VARIABLE", "Privacy", "read_privacy", "remember_forgotten", "user_names"]

SALT_VARIABLE = "SHELFWISE_SALT"
_SALT, _FORGOTTEN = "salt", "forgotten"
_HASHED = re.compile(r"h[0-9a-f]{32}")
_BETWEEN = re.compile(r"[,;|\t\"'\s{}\[\]]+")


@dataclass(frozen=True, slots=True)
class Privacy:
    """What is done to user ids before anything is stored. Without a salt: nothing.

    Attributes:
        salt: key of both hashes.
        hash_users: users go by `hashed(id)` everywhere.
        forgotten: what `digest(id)` says of each user who is left out.
    """

    salt: bytes = field(default=b"", repr=False)
    hash_users: bool = False
    forgotten: frozenset[str] = frozenset()

    @property
    def version(self) -> str:
        """Return a hash of how users are called: a file parsed under another one is read again."""
        return self.hashed("version") if self.hash_users else ""

    def name_of(self, user_id: str) -> str:
        """Return what a user is called in tables: the id itself or its hash; a hash stays what it is."""
        return self.hashed(user_id) if self.hash_users else user_id

    def hashed(self, user_id: str) -> str:
        """Return `h` and 32 hex digits: BLAKE2b of the id, keyed by the salt. A hash stays what it is."""
        return user_id if _HASHED.fullmatch(user_id) else "h" + self._blake(user_id, b"user")

    def digest(self, user_id: str) -> str:
        """Return what stands in `DIR/forgotten` for a user: another hash than `hashed`, of the same salt."""
        return self._blake(self.hashed(user_id), b"forgotten")

    def is_forgotten(self, user_id: str) -> bool:
        """Return whether this user asked to be forgotten."""
        return bool(self.forgotten) and self.digest(user_id) in self.forgotten

    def names(self, users: pl.Series) -> pl.Series:
        """Return what each user is called in tables; null stays null."""
        if not self.hash_users:
            return users
        known = users.unique().drop_nulls()
        called = pl.Series([self.name_of(user) for user in known], dtype=pl.String)
        return users.replace_strict(known, called, default=None, return_dtype=pl.String)

    def forgotten_rows(self, users: pl.Series) -> pl.Series:
        """Return which rows belong to a forgotten user, as booleans."""
        gone = [user for user in users.unique().drop_nulls() if self.is_forgotten(user)] if self.forgotten else []
        return users.is_in(gone).fill_null(value=False)

    def applied(self, rows: pl.DataFrame) -> pl.DataFrame:
        """Return rows of an earlier night as this one would have them: without who is forgotten, users as named now."""
        if "user_id" not in rows.columns or not self.salt:
            return rows
        kept = rows.filter(~self.forgotten_rows(rows["user_id"]))
        return kept.with_columns(self.names(kept["user_id"]).alias("user_id"))

    def names_forgotten(self, values: object) -> bool:
        """Return whether a row that could not be read holds the id of a forgotten user."""
        return bool(self.forgotten) and any(self.is_forgotten(word) for word in _words(values))

    def _blake(self, text: str, purpose: bytes) -> str:
        key = hashlib.sha256(self.salt).digest()
        return hashlib.blake2b(text.encode(), key=key, person=purpose, digest_size=16).hexdigest()


def _words(values: object) -> Iterable[str]:
    """Return the values of a row as read, and the words of what is one text still."""
    if isinstance(values, dict):
        values = list(values.values())
    if isinstance(values, list):
        return [str(value).strip() for value in values if value is not None]
    text = str(values)
    between = [word.strip() for sign in ',;|\t"' for word in text.split(sign)]
    return [word for word in dict.fromkeys((*between, *_BETWEEN.split(text))) if word]


def read_privacy(root: Path, *, hash_users: bool) -> Privacy:
    """Return what holds for a folder of runs; its salt is made where users are to be hashed and there is none.

    Raises:
        InputError: users are forgotten there and the salt is gone or another one: they would come back.
    """
    forgotten, seal = _read_forgotten(root)
    salt = _read_salt(root)
    if not salt and hash_users and not forgotten:
        salt = _make_salt(root)
    if forgotten and _seal(salt) != seal:
        raise InputError(
            f"{root / _FORGOTTEN}: {len(forgotten)} users asked to be forgotten, and the salt that knows them again is "
            f"{'another one' if salt else 'gone'}; put back {root / _SALT} or the variable {SALT_VARIABLE}"
        )
    if hash_users and not salt:
        raise InputError(f"{root}: user ids are to be hashed and there is no salt; set {SALT_VARIABLE}")
    return Privacy(salt, hash_users, forgotten)


def user_names(root: Path, users: Iterable[str]) -> list[str]:
    """Return the hash that each user goes by in the runs of `root`; a hash stays what it is.

    Raises:
        InputError: an id is no hash, and the salt is not there.
    """
    known = Privacy(_read_salt(root), hash_users=True)
    plain = [user for user in users if not _HASHED.fullmatch(user)]
    if plain and not known.salt:
        raise InputError(
            f"{root}: its runs call users by a hash, and the salt is gone; put back {root / _SALT} or the variable "
            f"{SALT_VARIABLE}, or ask by the hash"
        )
    return [known.hashed(user) for user in users]


def remember_forgotten(root: Path, user_id: str, *, hash_users: bool = False) -> Privacy:
    """Write the user's digest to `DIR/forgotten`, synced, and return what holds from now on."""
    known = read_privacy(root, hash_users=hash_users)
    salt = known.salt or _make_salt(root)
    told = Privacy(salt, hash_users)
    now = Privacy(salt, hash_users, known.forgotten | {told.digest(user_id)})
    lines = [f"# salted hashes of the users who asked to be forgotten; salt {_seal(salt)}", *sorted(now.forgotten)]
    _write(root / _FORGOTTEN, "\n".join(lines) + "\n", mode=0o644)
    return now


def _read_forgotten(root: Path) -> tuple[frozenset[str], str]:
    path = root / _FORGOTTEN
    if not path.exists():
        return frozenset(), ""
    head, *lines = path.read_text(encoding="utf-8").splitlines() or [""]
    if not head.startswith("#") or not all(re.fullmatch(r"[0-9a-f]{32}", line) for line in lines):
        raise InputError(f"{path}: is not as it was written (a line of 32 hex digits a user); put it back")
    return frozenset(lines), head.rsplit(" ", 1)[-1]


def _read_salt(root: Path) -> bytes:
    given = os.environ.get(SALT_VARIABLE, "")
    path = root / _SALT
    return given.encode() if given else path.read_bytes().strip() if path.exists() else b""


def _make_salt(root: Path) -> bytes:
    salt = secrets.token_hex(32)
    _write(root / _SALT, salt + "\n", mode=0o600)
    return salt.encode()


def _seal(salt: bytes) -> str:
    """Return what tells one salt from another without giving it away."""
    return hashlib.blake2b(key=hashlib.sha256(salt).digest(), person=b"seal", digest_size=8).hexdigest()


def _write(path: Path, text: str, *, mode: int) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    aside = path.with_name(f".{path.name}.tmp")
    aside.unlink(missing_ok=True)
    descriptor = os.open(aside, os.O_WRONLY | os.O_CREAT | os.O_EXCL, mode)
    try:
        os.write(descriptor, text.encode())
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
    aside.replace(path)
    sync_folder(path.parent)
