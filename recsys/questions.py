"""How people ask: which words of a question say nothing of what is asked, and questions made about a word."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from encoders.lexical import words

if TYPE_CHECKING:
    from collections.abc import Collection

__all__ = ["asking", "named_in", "questions_about", "without_asking", "without_kind"]

_TEMPLATES = ("How is the {}?", "Does it have a {}?", "Is there any problem with the {}?", "Can I use it for {}?")
_TEMPLATES_UNSPACED = ("{}怎么样?", "有{}吗?", "{}有问题吗?", "能用来{}吗?")

_ENGLISH = (
    "a about all an and any are as at be been best but by can could did do does else ever for from get got had "
    "has have he her his how i if in into is it its least longest me more most my no not of on one or our out re "
    "s she should so some t than that the their them then there these they this those to up us was we were what "
    "when where which who whom whose why will with would you your "
    "' \u2019 ? ! , . : ;"
)
_ASKING = frozenset(_ENGLISH.split())
# written without spaces, these run into the words beside them: 手机的, 这款手, 间怎么
_ASKING_UNSPACED = re.compile(
    "[这那哪][款个种些]|为什么|怎么样|怎样|怎么|如何|什么|有没有|能不能|是不是|会不会|可不可以|可以|能用来|能(?=用)|请问|多少"
    "|多[久大长重]|然后|[吗呢吧啊么的了得]|^[会能有是要](?=..)"
)


def without_asking(question: str) -> str:
    """Return the question without the Chinese words that only ask."""
    return _ASKING_UNSPACED.sub(" ", question.strip()).strip()


def asking(piece: str) -> bool:
    """Return whether a piece of a question, as an encoder names it, only asks."""
    return piece.lower() in _ASKING


def named_in(piece: str, known: Collection[str]) -> bool:
    """Return whether one of the pieces `known` is the same, in the singular or the plural, whole or a word's end."""
    return _stem(piece) in {_stem(each) for each in known}


def without_kind(question: str, kinds: Collection[str]) -> tuple[str, frozenset[str]]:
    """Return the question's words less those that name kinds of things, and the kinds that it names."""
    said = words(question)
    named = frozenset(kind for kind in kinds if words(kind) and all(named_in(word, said) for word in words(kind)))
    of_kinds = [word for kind in named for word in words(kind)]
    return " ".join(word for word in said if not named_in(word, of_kinds)), named


def questions_about(word: str) -> list[str]:
    """Return questions about a word, in its script."""
    templates = _TEMPLATES_UNSPACED if "\u4e00" <= word[0] <= "\u9fff" else _TEMPLATES
    return [template.format(word) for template in templates]


def _stem(piece: str) -> str:
    bare = piece.lower().removeprefix("##")
    return bare.removesuffix("s") or bare
