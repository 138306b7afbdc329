-- Which secret a run's digests were taken with; nothing is known of earlier runs.

ALTER TABLE flow_run ADD COLUMN digest_key TEXT;
