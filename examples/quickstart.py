"""Ask the demo shop (`shelfwise demo`) for what lies near an item."""

from recsys import Recommender

shop = Recommender.open("shelfwise-demo/runs")
print(shop.similar_items("B0007", k=5))
