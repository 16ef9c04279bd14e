-- One row a run, item, location and period that has wholly passed by this run's cutoff: what was forecast, what was sold.
-- WAPE: sum(absolute_error) / sum(units); coverage of p10 to p90 (0.8 is meant): avg(CAST(inside_p10_p90 AS INTEGER)).
-- A period without a sale counts as 0 units; a shop without sales has no row here.
CREATE VIEW forecast_accuracy AS
WITH this_run AS (
    SELECT stored.cutoff
    FROM stored_runs AS stored
    WHERE stored.run_id = (SELECT max(i.run_id) FROM items AS i)
),
passed AS (
    SELECT h.*
    FROM forecast_history AS h
    WHERE h.date + h.period_days - 1 <= (SELECT t.cutoff FROM this_run AS t)
        AND EXISTS (SELECT 1 FROM sales)
),
periods AS (
    SELECT DISTINCT p.item_id, p.location_id, p.date, p.period_days FROM passed AS p
),
sold AS (
    SELECT q.item_id, q.location_id, q.date, q.period_days, sum(s.units) AS units
    FROM periods AS q
    JOIN sales AS s
        ON s.item_id = q.item_id
        AND coalesce(s.location_id, 'all') = q.location_id
        AND s.sold_on BETWEEN q.date AND q.date + q.period_days - 1
    GROUP BY q.item_id, q.location_id, q.date, q.period_days
)
SELECT
    p.run_id,
    p.cutoff,
    p.item_id,
    p.location_id,
    p.date,
    p.period_days,
    coalesce(sold.units, 0) AS units,
    p.mean,
    p.p50,
    abs(coalesce(sold.units, 0) - p.p50) AS absolute_error,
    coalesce(sold.units, 0) BETWEEN p.p10 AND p.p90 AS inside_p10_p90
FROM passed AS p
LEFT JOIN sold
    ON sold.item_id = p.item_id
    AND sold.location_id = p.location_id
    AND sold.date = p.date
    AND sold.period_days = p.period_days;
