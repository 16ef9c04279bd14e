"""What the English demo shop sells: kinds of articles, what they are made of, and what follows what."""

from __future__ import annotations

from jobs.demo_shop.language import Department, read_things

__all__ = ["DEPARTMENTS", "THINGS"]

DEPARTMENTS = (
    Department("shoes", 42, 0.35, ("long walks", "the daily commute", "wet autumn days", "weekends away")),
    Department("kitchen", 49, 0.4, ("quick suppers", "Sunday roasts", "small kitchens", "big dinners")),
    Department("phones", 48, 0.45, ("travel", "work calls", "video evenings", "busy days")),
    Department("garden", 18, 1.1, ("balconies", "vegetable beds", "rose lovers", "small terraces")),
    Department("toys", 50, 1.6, ("rainy afternoons", "birthdays", "three-year-olds", "the whole family")),
    Department("books", 50, 0.6, ("train rides", "curious beginners", "the holidays", "long evenings")),
    Department("coffee", 2, 0.2, ("slow mornings", "the office kitchen", "after dinner", "guests")),
    Department("pets", 6, 0.1, ("young animals", "old friends", "small flats", "sensitive natures")),
    Department("home", 47, 0.6, ("reading corners", "the guest room", "winter evenings", "first flats")),
    Department("sports", 24, 0.7, ("morning training", "mountain huts", "beginners", "long tours")),
    Department("stationery", 35, 0.7, ("diary keepers", "the first school year", "tidy desks", "letters")),
    Department("beauty", 4, 0.15, ("dry days", "sensitive skin", "gym bags", "the whole family")),
)

# name | department | price | what is bought next | weeks until it is used up
_TRADE = """
hiking boots | shoes | 119 | shoe wax | 0
running shoes | shoes | 89 | | 0
sandals | shoes | 59 | | 0
rain boots | shoes | 45 | | 0
house slippers | shoes | 29 | | 0
shoe wax | shoes | 9 | | 0
frying pan | kitchen | 49 | | 0
chef's knife | kitchen | 69 | cutting board | 0
kettle | kitchen | 39 | | 0
cutting board | kitchen | 25 | | 0
mixing bowl | kitchen | 19 | | 0
smartphone | phones | 399 | phone case | 0
phone case | phones | 19 | | 0
charger | phones | 25 | | 0
screen protector | phones | 12 | | 0
earphones | phones | 59 | | 0
pruning shears | garden | 29 | | 0
plant pot | garden | 15 | seed set | 0
watering can | garden | 22 | | 0
garden bench | garden | 149 | | 0
seed set | garden | 9 | | 0
toy train | toys | 35 | | 0
board game | toys | 29 | | 0
plush animal | toys | 19 | | 0
building blocks | toys | 39 | | 0
puzzle | toys | 15 | | 0
cookbook | books | 25 | | 0
travel guide | books | 18 | | 0
crime novel | books | 12 | | 0
picture book | books | 14 | | 0
coffee beans | coffee | 12 | | 4
ground coffee | coffee | 9 | | 3
green tea | coffee | 8 | | 5
herbal tea | coffee | 6 | | 5
cat food | pets | 15 | | 3
dog food | pets | 24 | | 4
cat litter | pets | 11 | | 3
pet bed | pets | 39 | | 0
dog leash | pets | 17 | | 0
cushion | home | 25 | | 0
blanket | home | 59 | | 0
table lamp | home | 69 | | 0
wall clock | home | 39 | | 0
candle | home | 14 | | 0
yoga mat | sports | 35 | | 0
camping tent | sports | 189 | sleeping bag | 0
sleeping bag | sports | 79 | | 0
bicycle helmet | sports | 55 | | 0
water bottle | sports | 18 | | 0
notebook | stationery | 12 | | 0
fountain pen | stationery | 39 | notebook | 0
desk organiser | stationery | 24 | | 0
sketch pad | stationery | 10 | | 0
hand cream | beauty | 9 | | 6
shampoo | beauty | 11 | | 6
face mask | beauty | 13 | | 0
hairbrush | beauty | 16 | | 0
"""

# name: what it is made of; what it has
_MAKE = """
hiking boots: leather, suede, nubuck; a grippy sole, a padded collar, sealed seams, hooks for the laces
running shoes: mesh, knitted, canvas; a springy sole, quick laces, a removable insole, a wide toe box
sandals: leather, cork, webbing; a soft footbed, three buckles, a light sole, an ankle strap
rain boots: rubber, neoprene, vinyl; a pull loop, a lined shaft, a deep tread, a high top
house slippers: felt, sheepskin, wool; a quiet sole, an open heel, a thick insole, a washable lining
shoe wax: beeswax, carnauba, lanolin; a brush in the lid, a mild scent, a large tin, a polishing cloth
frying pan: steel, cast iron, copper; an even heat, a heat-proof handle, a pouring lip, an oven-safe rim
chef's knife: Damascus steel, carbon steel, ceramic; a thin edge, a balanced handle, a blade guard, a full tang
kettle: steel, glass, enamel; a whistle, a swan-neck spout, a water gauge, a cool-touch handle
cutting board: oak, bamboo, walnut; a juice groove, non-slip feet, a hanging loop, two sides
mixing bowl: ceramic, glass, stoneware; a pouring spout, measuring marks, a tight lid, a wide rim
smartphone: aluminium, titanium, ceramic; a long battery life, fast charging, a bright display, a three-lens camera
phone case: silicone, leather, cork; a shock-proof edge, a card pocket, a raised rim, a wrist strap
charger: aluminium, polycarbonate, braided; two ports, a folding plug, a long cable, fast charging
screen protector: glass, film, ceramic; an easy frame, a matte surface, rounded edges, a privacy filter
earphones: aluminium, silicone, ceramic; clear sound, noise cancelling, a pocket case, soft tips
pruning shears: steel, ash wood, titanium; a safety catch, a comfortable grip, a sap groove, spare blades
plant pot: terracotta, zinc, ceramic; a drainage hole, a frost-proof glaze, a saucer, a water gauge
watering can: zinc, copper, steel; a long spout, a fine rose, a balanced handle, a litre scale
garden bench: teak, acacia, wrought iron; a folding frame, wide armrests, a curved back, a weather finish
seed set: paper-bagged, tinned, boxed; twelve kinds, a sowing calendar, name tags, coconut pellets
toy train: beech wood, birch wood, tin; magnetic couplings, a bridge and rails, rounded edges, three wagons
board game: cardboard, beech wood, linen; rules in four languages, fifty cards, a sturdy box, wooden pieces
plush animal: cotton, mohair, velour; embroidered eyes, a washable cover, long ears, a hidden pocket
building blocks: beech wood, cork, foam; a canvas bag, rounded edges, sixty pieces, a picture booklet
puzzle: cardboard, plywood, foam; five hundred pieces, a poster, a storage tray, a dust-free cut
cookbook: hardcover, paperback, spiral-bound; colour plates, ninety recipes, a ribbon marker, menus for guests
travel guide: paperback, pocket, hardcover; fold-out maps, walking routes, a phrase list, addresses of small hotels
crime novel: paperback, hardcover, linen-bound; short chapters, an unlikely detective, large print, a map of the village
picture book: board, linen-bound, hardcover; flaps to lift, watercolour plates, rhymes to say aloud, thick pages
coffee beans: Ethiopian, Colombian, Sumatran; notes of chocolate, a citrus finish, a nutty body, a slow roast
ground coffee: Kenyan, Brazilian, Guatemalan; a fine grind, a mild roast, a resealable bag, a malty depth
green tea: Japanese, Chinese, Korean; a grassy scent, whole leaves, a tin caddy, a sweet finish
herbal tea: peppermint, camomile, rooibos; twenty bags, a floral scent, loose leaves, a honey note
cat food: salmon, chicken, tuna; no added sugar, a resealable bag, gentle digestion, small bites
dog food: lamb, beef, duck; no grain, a resealable bag, joint care, large pieces
cat litter: clay, wood, silica; dust-free grains, quick clumping, a scent filter, a carrying handle
pet bed: fleece, corduroy, wicker; a washable cover, a raised rim, a non-slip base, a removable cushion
dog leash: nylon, leather, rope; a safe buckle, reflective thread, a padded loop, two lengths
cushion: linen, velvet, wool; a hidden zip, fringed edges, a feather filling, a woven pattern
blanket: wool, cotton, alpaca; fringed edges, a waffle weave, a double layer, a storage bag
table lamp: brass, ceramic, rattan; a dimmable light, a linen shade, a cloth cable, a touch switch
wall clock: oak, brass, slate; a silent movement, large numerals, a sweeping hand, a pendulum
candle: beeswax, soy, rapeseed; a long burn time, a cotton wick, a lidded jar, a vanilla scent
yoga mat: natural rubber, cork, jute; a non-slip surface, a carrying strap, alignment marks, extra thickness
camping tent: nylon, ripstop, canvas; sealed seams, two entrances, quick poles, a rain porch
sleeping bag: down, nylon, flannel; a two-way zip, a warm hood, a small pack size, an inner pocket
bicycle helmet: carbon, foam, polycarbonate; air vents, a rear light, a dial fit, a visor
water bottle: steel, glass, aluminium; a tight lid, a carrying loop, double walls, a wide mouth
notebook: cotton paper, recycled paper, leather; numbered pages, an elastic band, dotted sheets, a pen loop
fountain pen: brass, resin, walnut; a fine nib, a piston filler, a screw cap, a spare cartridge
desk organiser: bamboo, walnut, steel; six compartments, a phone stand, a drawer, felt feet
sketch pad: cotton paper, kraft paper, recycled paper; perforated sheets, a hard back, heavy paper, a spiral spine
hand cream: almond, olive, shea; no perfume, quick absorption, a pump bottle, a travel size
shampoo: lavender, nettle, aloe; a creamy lather, no silicone, a refill pouch, a mild scent
face mask: clay, rose, honey; ten sheets, a cooling effect, a soft brush, a glass jar
hairbrush: boar bristle, olive wood, bamboo; rounded pins, an air cushion, a slim handle, a cleaning comb
"""

THINGS = read_things(_TRADE, _MAKE)
