ALTER TABLE inspections DROP COLUMN start_distance_m;
ALTER TABLE inspections DROP COLUMN start_skew_s;
