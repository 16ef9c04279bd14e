-- One row an item, location and period, in the column names of Snowflake's FORECAST; the bounds are p10 and p90.
CREATE VIEW forecast_snowflake AS
SELECT
    CASE WHEN f.location_id = 'all' THEN f.item_id ELSE f.item_id || '/' || f.location_id END AS "SERIES",
    CAST(f.date AS TIMESTAMP) AS "TS",
    f.mean AS "FORECAST",
    f.p10 AS "LOWER_BOUND",
    f.p90 AS "UPPER_BOUND"
FROM forecast AS f;
