"""The words of the demo shop: departments, things, styles, and what people say about them."""

from __future__ import annotations

from dataclasses import dataclass

__all__ = ["BRANDS", "COLOURS", "DEPARTMENTS", "MODELS", "STYLES", "THINGS", "Department", "Style", "Thing"]


@dataclass(frozen=True, slots=True)
class Department:
    """A part of the shop. `peak`: the week of the year in which it sells most; `swing`: how much more it sells then."""

    name: str
    materials: tuple[str, ...]
    features: tuple[str, ...]
    uses: tuple[str, ...]
    peak: int
    swing: float


@dataclass(frozen=True, slots=True)
class Thing:
    """A kind of article. `then`: what people buy next; `weeks`: how often it is bought again (0: once)."""

    name: str
    department: str
    price: float
    then: str = ""
    weeks: int = 0
    plural: bool = False


@dataclass(frozen=True, slots=True)
class Style:
    """A taste. It has no column anywhere: only an article's words and the users' choices show it."""

    name: str
    words: tuple[str, ...]
    phrases: tuple[str, ...]


DEPARTMENTS = (
    Department(
        "shoes",
        ("leather", "suede", "canvas", "mesh", "rubber", "felt"),
        ("a grippy sole", "a padded collar", "quick laces", "a removable insole", "a wide toe box", "double stitching"),
        ("long walks", "the daily commute", "wet autumn days", "weekends away", "standing all day"),
        42,
        0.35,
    ),
    Department(
        "kitchen",
        ("steel", "cast iron", "oak", "ceramic", "glass", "copper"),
        ("an even heat", "a heat-proof handle", "a pouring lip", "a non-slip foot", "measuring marks", "a tight lid"),
        ("quick suppers", "baking with children", "slow Sunday roasts", "small kitchens", "big dinners"),
        49,
        0.4,
    ),
    Department(
        "phones",
        ("aluminium", "silicone", "glass", "polycarbonate", "titanium"),
        (
            "a long battery life",
            "fast charging",
            "a bright display",
            "clear sound",
            "a shock-proof edge",
            "a slim shape",
        ),
        ("travel", "work calls", "night photos", "video evenings", "busy days"),
        48,
        0.45,
    ),
    Department(
        "garden",
        ("terracotta", "zinc", "teak", "steel", "willow", "bamboo"),
        ("a drainage hole", "a frost-proof finish", "a comfortable grip", "a rust-free coating", "a folding frame"),
        ("balconies", "vegetable beds", "roses and hedges", "small terraces", "the greenhouse"),
        18,
        1.1,
    ),
    Department(
        "toys",
        ("beech wood", "cotton", "cardboard", "felt", "birch wood"),
        ("rounded edges", "bright parts", "a sturdy box", "rules in four languages", "washable covers", "extra pieces"),
        ("rainy afternoons", "birthdays", "three-year-olds", "the whole family", "quiet play"),
        50,
        1.6,
    ),
    Department(
        "books",
        ("hardcover", "paperback", "linen-bound", "illustrated", "pocket"),
        ("colour plates", "fold-out maps", "large print", "a ribbon marker", "short chapters", "a glossary"),
        ("train rides", "bedtime", "curious beginners", "the holidays", "long evenings"),
        50,
        0.6,
    ),
    Department(
        "coffee",
        ("Ethiopian", "Colombian", "Darjeeling", "Sumatran", "Kenyan", "Japanese"),
        (
            "notes of dark chocolate",
            "a citrus finish",
            "a nutty body",
            "a floral scent",
            "a mild roast",
            "a malty depth",
        ),
        ("espresso", "slow mornings", "the office pot", "cold brew", "after dinner"),
        2,
        0.2,
    ),
    Department(
        "pets",
        ("salmon", "chicken", "lamb", "clay", "nylon", "fleece"),
        (
            "no added sugar",
            "a resealable bag",
            "gentle digestion",
            "dust-free grains",
            "a washable cover",
            "a safe buckle",
        ),
        ("kittens", "senior cats", "lively dogs", "sensitive stomachs", "small flats"),
        6,
        0.1,
    ),
    Department(
        "home",
        ("wool", "linen", "velvet", "brass", "cotton", "beeswax"),
        (
            "a dimmable light",
            "a hidden zip",
            "fringed edges",
            "a silent movement",
            "a long burn time",
            "a woven pattern",
        ),
        ("reading corners", "the guest room", "winter evenings", "open shelves", "first flats"),
        47,
        0.6,
    ),
    Department(
        "sports",
        ("nylon", "cork", "ripstop", "carbon", "steel", "natural rubber"),
        ("a light weight", "sealed seams", "a non-slip surface", "a carrying strap", "reflective strips", "air vents"),
        ("morning training", "mountain huts", "the way to work", "beginners", "long tours"),
        24,
        0.7,
    ),
    Department(
        "stationery",
        ("cotton paper", "cedar", "brass", "recycled paper", "walnut", "resin"),
        ("numbered pages", "a fine nib", "an elastic band", "perforated sheets", "soft leads", "six compartments"),
        ("diaries", "the first school year", "tidy desks", "travel sketches", "letters"),
        35,
        0.7,
    ),
    Department(
        "beauty",
        ("almond", "lavender", "aloe", "olive oil", "boar bristle", "rose"),
        ("no perfume", "a pump bottle", "quick absorption", "a creamy lather", "a refill pouch", "a mild scent"),
        ("dry hands", "sensitive skin", "long hair", "gym bags", "winter skin"),
        4,
        0.15,
    ),
)

THINGS = (
    Thing("hiking boots", "shoes", 119, then="shoe wax", plural=True),
    Thing("running shoes", "shoes", 89, plural=True),
    Thing("sandals", "shoes", 59, plural=True),
    Thing("rain boots", "shoes", 45, plural=True),
    Thing("house slippers", "shoes", 29, plural=True),
    Thing("shoe wax", "shoes", 9),
    Thing("frying pan", "kitchen", 49),
    Thing("chef's knife", "kitchen", 69, then="cutting board"),
    Thing("kettle", "kitchen", 39),
    Thing("cutting board", "kitchen", 25),
    Thing("mixing bowl", "kitchen", 19),
    Thing("smartphone", "phones", 399, then="phone case"),
    Thing("phone case", "phones", 19),
    Thing("charger", "phones", 25),
    Thing("screen protector", "phones", 12),
    Thing("earphones", "phones", 59, plural=True),
    Thing("pruning shears", "garden", 29, plural=True),
    Thing("plant pot", "garden", 15, then="seed set"),
    Thing("watering can", "garden", 22),
    Thing("garden bench", "garden", 149),
    Thing("seed set", "garden", 9),
    Thing("wooden train", "toys", 35),
    Thing("board game", "toys", 29),
    Thing("plush animal", "toys", 19),
    Thing("building blocks", "toys", 39, plural=True),
    Thing("puzzle", "toys", 15),
    Thing("cookbook", "books", 25),
    Thing("travel guide", "books", 18),
    Thing("crime novel", "books", 12),
    Thing("picture book", "books", 14),
    Thing("coffee beans", "coffee", 12, weeks=4, plural=True),
    Thing("ground coffee", "coffee", 9, weeks=3),
    Thing("green tea", "coffee", 8, weeks=5),
    Thing("herbal tea", "coffee", 6, weeks=5),
    Thing("cat food", "pets", 15, weeks=3),
    Thing("dog food", "pets", 24, weeks=4),
    Thing("cat litter", "pets", 11, weeks=3),
    Thing("pet bed", "pets", 39),
    Thing("dog leash", "pets", 17),
    Thing("cushion", "home", 25),
    Thing("blanket", "home", 59),
    Thing("table lamp", "home", 69),
    Thing("wall clock", "home", 39),
    Thing("candle", "home", 14),
    Thing("yoga mat", "sports", 35),
    Thing("camping tent", "sports", 189, then="sleeping bag"),
    Thing("sleeping bag", "sports", 79),
    Thing("bicycle helmet", "sports", 55),
    Thing("water bottle", "sports", 18),
    Thing("notebook", "stationery", 12),
    Thing("fountain pen", "stationery", 39, then="notebook"),
    Thing("desk organiser", "stationery", 24),
    Thing("sketch pad", "stationery", 10),
    Thing("hand cream", "beauty", 9, weeks=6),
    Thing("shampoo", "beauty", 11, weeks=6),
    Thing("face mask", "beauty", 13),
    Thing("hairbrush", "beauty", 16),
)

STYLES = (
    Style(
        "outdoor",
        ("rugged", "weatherproof", "hard-wearing", "waterproof", "all-terrain"),
        ("made for mud, rain and cold mornings", "shrugs off storms and rough handling", "at home in the wilderness"),
    ),
    Style(
        "minimal",
        ("minimalist", "plain", "clean-lined", "understated", "Scandinavian"),
        ("nothing superfluous, only quiet lines", "a calm shape without ornament", "simple geometry and muted tones"),
    ),
    Style(
        "vintage",
        ("vintage", "retro", "old-fashioned", "antique-looking", "nostalgic"),
        (
            "like a find from a flea market",
            "in the manner of the nineteen-fifties",
            "with the charm of grandmother's house",
        ),
    ),
    Style(
        "playful",
        ("playful", "cheerful", "quirky", "funny", "colourful"),
        ("with dots, dinosaurs and a smile", "brings a laugh into the day", "silly in the best way"),
    ),
    Style(
        "luxury",
        ("luxurious", "elegant", "exclusive", "refined", "gold-trimmed"),
        ("finished by hand in a small edition", "comes in a satin gift box", "for those who want the finest"),
    ),
    Style(
        "eco",
        ("organic", "recycled", "sustainable", "plastic-free", "fair-trade"),
        (
            "made without waste, from renewable sources",
            "certified climate-neutral",
            "kind to the planet and its people",
        ),
    ),
    Style(
        "technical",
        ("high-tech", "precision-made", "smart", "professional", "laboratory-tested"),
        ("engineered to tight tolerances", "as the professionals use it", "with measured, documented performance"),
    ),
    Style(
        "cosy",
        ("cosy", "soft", "snug", "homely", "warm"),
        ("an invitation to stay on the sofa", "gentle to the touch, like a hug", "for slow and quiet hours at home"),
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
MODELS = (
    "Ridge", "Harbour", "Meadow", "Comet", "Juniper", "Atlas", "Linden", "Pebble", "Saga", "Orchard", "Tundra", "Velo",
    "Willow", "Quartz", "Ember", "Lagoon", "Nimbus", "Sparrow", "Cedar", "Aurora", "Delta", "Fable", "Granite", "Ivy",
)  # fmt: skip
