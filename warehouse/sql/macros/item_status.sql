-- One row, whatever the id: how one item stands, locations together: FROM item_status('B0007'). status is active, new,
-- ended, 'no forecast' or 'unknown item'; next_* are units in the first period (quantiles summed over locations, so
-- wider than the truth), stockout_probability its largest of any location, in_lists how many users are shown it.
CREATE MACRO item_status(item_id) AS TABLE
WITH asked AS (
    SELECT CAST(item_id AS VARCHAR) AS id
),
expected AS (
    SELECT
        min(f.status) AS status, sum(f.mean) AS next_mean, sum(f.p10) AS next_p10, sum(f.p90) AS next_p90
    FROM forecast AS f
    WHERE f.item_id = (SELECT asked.id FROM asked) AND f.date = (SELECT min(first.date) FROM forecast AS first)
),
shelf AS (
    SELECT sum(r.on_hand) AS on_hand, max(r.probability) AS stockout_probability
    FROM stockout_risk AS r
    WHERE r.item_id = (SELECT asked.id FROM asked) AND r.date = (SELECT min(first.date) FROM stockout_risk AS first)
),
shown AS (
    SELECT count(*) AS in_lists FROM recommendations AS l WHERE l.item_id = (SELECT asked.id FROM asked)
)
SELECT
    asked.id AS item_id,
    known.title,
    CASE WHEN known.item_id IS NULL THEN 'unknown item' ELSE coalesce(expected.status, 'no forecast') END AS status,
    shelf.on_hand,
    expected.next_mean,
    expected.next_p10,
    expected.next_p90,
    shelf.stockout_probability,
    shown.in_lists
FROM asked
CROSS JOIN expected
CROSS JOIN shelf
CROSS JOIN shown
LEFT JOIN items AS known ON known.item_id = asked.id;
