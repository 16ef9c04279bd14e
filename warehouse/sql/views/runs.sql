-- One row a run, this one and the earlier ones, refused and failed ones too, with the age of its data.
CREATE VIEW runs AS
SELECT
    stored.*,
    -- through epochs: a timestamp with time zone becomes local time where it is cast
    round((epoch(now()) - epoch(CAST(stored.cutoff + 1 AS TIMESTAMP))) / 3600, 1) AS age_hours
FROM stored_runs AS stored;
