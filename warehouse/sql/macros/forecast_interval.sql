-- One row an item, location and period: the interval that holds the units with probability `level`, above 0 and at most
-- 0.8 (p10 to p90); between two of the nine quantiles it is read off the line that joins them.
CREATE MACRO forecast_interval(level := 0.8) AS TABLE
WITH placed AS (
    SELECT
        f.*,
        [f.p10, f.p20, f.p30, f.p40, f.p50, f.p60, f.p70, f.p80, f.p90] AS quantiles,
        CASE
            WHEN CAST(level AS DOUBLE) > 0 AND CAST(level AS DOUBLE) <= 0.8
                -- places from 1 (p10) to 9 (p90); rounded, since 0.8 has no exact double
                THEN round(5 * (1 - CAST(level AS DOUBLE)), 6)
            ELSE error('forecast_interval: level is a number above 0 and at most 0.8')
        END AS place
    FROM forecast AS f
)
SELECT
    p.run_id,
    p.item_id,
    p.location_id,
    p.date,
    p.period_days,
    CAST(level AS DOUBLE) AS interval_level,
    p.mean,
    p.quantiles[CAST(floor(p.place) AS INTEGER)]
    + (p.place - floor(p.place))
    * (p.quantiles[CAST(ceil(p.place) AS INTEGER)] - p.quantiles[CAST(floor(p.place) AS INTEGER)]) AS lower_bound,
    p.quantiles[CAST(ceil(10 - p.place) AS INTEGER)]
    - (p.place - floor(p.place))
    * (p.quantiles[CAST(ceil(10 - p.place) AS INTEGER)] - p.quantiles[CAST(floor(10 - p.place) AS INTEGER)])
        AS upper_bound,
    p.title
FROM placed AS p
ORDER BY p.item_id, p.location_id, p.date;
