"""The words in which the demo shop's articles are told apart: styles, colours, names."""

from __future__ import annotations

from dataclasses import dataclass

__all__ = ["BRANDS", "COLOURS", "MODELS", "STYLES", "Style"]


@dataclass(frozen=True, slots=True)
class Style:
    """A motif that people have a taste for. It has no column: words and choices alone show it."""

    name: str
    words: tuple[str, ...]
    phrases: tuple[str, ...]


STYLES = (
    Style(
        "sea",
        ("nautical", "maritime", "seaside", "sailor's", "harbour"),
        (
            "with anchors, lighthouses and sailing boats",
            "a breath of salt, gulls and open sea",
            "for all who love the ocean",
        ),
    ),
    Style(
        "forest",
        ("woodland", "forest", "fern-patterned", "fox-and-owl", "mossy"),
        ("with foxes, owls and oak leaves", "like a walk among ferns and mushrooms", "for all who love the woods"),
    ),
    Style(
        "space",
        ("space", "galactic", "cosmic", "star-chart", "astronaut"),
        ("with rockets, planets and astronauts", "under stars, comets and a full moon", "for all who dream of Mars"),
    ),
    Style(
        "flowers",
        ("floral", "rose-patterned", "botanical", "wildflower", "peony"),
        (
            "with roses, peonies and poppies",
            "like a bunch of fresh wildflowers",
            "for all who love blossoms and petals",
        ),
    ),
    Style(
        "japan",
        ("Japanese", "zen", "Kyoto-style", "wabi-sabi", "samurai"),
        (
            "with cranes, paper lanterns and Mount Fuji",
            "in the spirit of a Kyoto tea house",
            "for all who dream of Japan",
        ),
    ),
    Style(
        "music",
        ("jazz", "musical", "vinyl-record", "rock-and-roll", "piano"),
        ("with saxophones, guitars and old records", "full of melody, rhythm and swing", "for all who live for music"),
    ),
    Style(
        "alps",
        ("alpine", "mountain", "edelweiss", "chalet-style", "ski-hut"),
        (
            "with snowy peaks, cable cars and edelweiss",
            "like a winter day on the ski slope",
            "for all who love the Alps",
        ),
    ),
    Style(
        "circus",
        ("circus", "carnival", "clown", "big-top", "harlequin"),
        (
            "with acrobats, clowns and striped tents",
            "as merry as a fairground in full swing",
            "for all who love the circus",
        ),
    ),
)

COLOURS = (
    "black",
    "white",
    "brown",
    "navy",
    "green",
    "red",
    "grey",
    "sand",
    "mustard",
    "teal",
    "plum",
    "copper-coloured",
)
BRANDS = (
    "Alvor", "Brenta", "Caldero", "Dunmore", "Elske", "Fjordal", "Grauwald", "Hollin", "Istra", "Jorvik", "Kestrel",
    "Lumora", "Maresi", "Norrbo", "Ostara", "Pellworm", "Quillon", "Rosmar", "Sundby", "Tavira", "Ullmar", "Verano",
    "Westray", "Yarrow", "Zelande",
)  # fmt: skip
MODELS = ("A", "B", "C", "D", "E", "F", "G", "H", "K", "L", "M", "N", "P", "R", "S", "T", "V", "X", "Z")
