"""How a shop's files differ from the tables' own names and formats."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from warehouse.errors import InputError
from warehouse.privacy import Privacy

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from datetime import date

__all__ = ["IngestOptions"]


@dataclass(frozen=True, slots=True, kw_only=True)
class IngestOptions:
    """What a shop's configuration says about its files; the defaults fit a folder with the tables' own names.

    Attributes:
        columns: table → our column → the shop's column.
        files: table → patterns of file names, relative to the folder; they replace the table's default names.
        timezone: the shop's; it turns `occurred_at` into days.
        delimiter: of CSV files; None: found from the header.
        decimal: "." or ",".
        date_format: strftime pattern of the shop's dates; ISO is read besides. None: ISO alone.
        encoding: of text files without a byte order mark.
        clean: what every text goes through before it is stored, in tables and in rejects (encoders.clean, then mask).
        clean_version: names the code of `clean`: files parsed with another one are read again.
        privacy: which users are left out, and what the others are called.
        today: rows after it are rejected as future; None: today in the shop's timezone.
    """

    columns: Mapping[str, Mapping[str, str]] = field(default_factory=dict)
    files: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    timezone: str = "UTC"
    delimiter: str | None = None
    decimal: str = "."
    date_format: str | None = None
    encoding: str = "utf-8"
    clean: Callable[[str], str]
    clean_version: str = ""
    privacy: Privacy = field(default_factory=Privacy)
    today: date | None = None

    def __post_init__(self) -> None:
        """Refuse what no file could be read by.

        Raises:
            InputError: an unknown timezone, a decimal mark or delimiter that is none.
        """
        try:
            ZoneInfo(self.timezone)
        except (ZoneInfoNotFoundError, ValueError, OSError):
            raise InputError(
                f'unknown timezone {self.timezone!r}; use a name such as "Europe/London" or "UTC"'
            ) from None
        if self.decimal not in {".", ","}:
            raise InputError(f'decimal is {self.decimal!r}; it is "." or ","')
        if self.delimiter is not None and (
            len(self.delimiter) != 1 or self.delimiter in '"\r\n' + self.decimal * (self.decimal == ".")
        ):
            raise InputError(f'delimiter is {self.delimiter!r}; it is one character, such as ";" or "\\t"')
