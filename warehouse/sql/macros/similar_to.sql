-- One row a neighbour of one item, nearest first: FROM similar_to('B0007', k := 5). An unknown id gives no row.
CREATE MACRO similar_to(item_id, k := 5) AS TABLE
SELECT near.rank, near.item_id, near.title, near.score, near.reason
FROM similar_items AS near
WHERE near.query_item_id = item_id AND near.kind = 'blend' AND near.rank <= k
ORDER BY near.rank;
