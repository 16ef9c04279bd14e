-- One row an item, location and period, in the column names of BigQuery's AI.FORECAST; the bounds are p10 and p90.
CREATE VIEW forecast_bigquery AS
SELECT
    f.item_id,
    f.location_id,
    CAST(f.date AS TIMESTAMP) AS forecast_timestamp,
    f.mean AS forecast_value,
    CAST(0.8 AS DOUBLE) AS confidence_level,
    f.p10 AS prediction_interval_lower_bound,
    f.p90 AS prediction_interval_upper_bound,
    '' AS ai_forecast_status
FROM forecast AS f;
