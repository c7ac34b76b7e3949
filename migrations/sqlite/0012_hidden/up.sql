-- What the check-in notes: how far the device's clock was ahead of the server's, and how far the device was from the
-- school, as its location stood then.
ALTER TABLE inspections ADD COLUMN start_skew_s INTEGER;
ALTER TABLE inspections ADD COLUMN start_distance_m REAL;
