"""The English demo shop: the words in which its articles are told apart, searched for and spoken of."""

from __future__ import annotations

from jobs.demo_shop.english_things import DEPARTMENTS, THINGS
from jobs.demo_shop.language import Holiday, Language, Size, Span, Style, Tones, Wording

__all__ = ["ENGLISH"]

_STYLES = (
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

_COLOURS = (
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
_BRANDS = (
    "Alvor", "Brenta", "Caldero", "Dunmore", "Elske", "Fjordal", "Grauwald", "Hollin", "Istra", "Jorvik", "Kestrel",
    "Lumora", "Maresi", "Norrbo", "Ostara", "Pellworm", "Quillon", "Rosmar", "Sundby", "Tavira", "Ullmar", "Verano",
    "Westray", "Yarrow", "Zelande",
)  # fmt: skip
_SAID = Tones(
    good=(
        "The {material} feels solid, and the {word} look is lovely.",
        "Exactly the {word} {thing} I was looking for.",
        "It has {feature}, and that was what I wanted.",
        "Even better than in the picture, a real {word} piece.",
        "After months it still looks like new.",
        "Bought it for {use} and I am delighted.",
    ),
    mixed=(
        "It does its job, but {feature} could be better.",
        "A decent {thing}, though the {word} motif is smaller than I hoped.",
        "Fine for {use}, a little dear.",
        "The {material} is all right, the colour is paler than expected.",
    ),
    bad=(
        "The {material} broke after two weeks.",
        "The {word} print came off in the wash, I sent it back.",
        "I expected {feature} and got none of it.",
        "Useless for {use}, a waste of money.",
        "Poorly made, the {thing} smelled of glue.",
    ),
)
_BATTERY = Tones(
    good=(
        "The battery easily lasts two days, even with video calls.",
        "Great battery life, I charge it every other evening.",
        "Battery still at forty percent after a whole day of navigation.",
    ),
    mixed=(
        "The battery lasts a day if I dim the display, no more.",
        "Battery is average: fine for calls, short for video.",
    ),
    bad=(
        "The battery is empty by noon, very disappointing.",
        "Battery life is terrible, I charge it twice a day.",
    ),
)

ENGLISH = Language(
    name="en",
    encoder="all-MiniLM-L6-v2",
    question="How is the battery life?",
    size=Size(
        items=2200,
        twins=140,
        launches_ahead=60,
        launches_now=70,
        launches_past=560,
        ended=150,
        promotions_a_week=9,
        users=1800,
        wants=46_000,
        stall_items=800,
        running_out=70,
        reviews=1800,
        phone_reviews=24,
        shown=300,
    ),
    departments=DEPARTMENTS,
    things=THINGS,
    phone="smartphone",
    phone_features=("a long battery life", "a bright display"),
    styles=_STYLES,
    colours=_COLOURS,
    brands=_BRANDS,
    wording=Wording(
        titles=(
            "{brand} {model} {colour} {material} {first} {thing}",
            "{first} {thing} {brand} {model}, {material}, {colour}",
        ),
        texts=(
            "{second} {thing}, {phrase}. With {both}, for {use}.",
            "A {second} design, {phrase}. This {material} {thing} has {both}.",
        ),
        both=" and ",
        bare="Item {}",
        search="{word} {thing}",
        sentence_gap=" ",
    ),
    headlines={1: "Disappointed", 2: "Not for me", 3: "It is all right", 4: "Good", 5: "Very happy"},
    said=_SAID,
    said_first={"smartphone": (_BATTERY,)},
    offers=("flyer", "banner", "coupon"),
    holidays=(
        Holiday("black week", (Span("11-24", "11-30"),), lift=1.35),
        Holiday("before Christmas", (Span("12-15", "12-24"),), lift=1.25),
        Holiday("Christmas", (Span("12-25", "12-26"),)),
        Holiday("New Year", (Span("01-01", "01-01"),)),
        Holiday("May Day", (Span("05-01", "05-01"),)),
    ),
    # between the years, and in the two weeks of the summer fair
    no_market=(Span("12-25", "12-31"), Span("01-01", "01-03"), Span("08-04", "08-17")),
)
