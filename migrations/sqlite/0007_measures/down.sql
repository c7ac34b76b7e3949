DROP TABLE hazard_referrals;
DROP TABLE hazard_suspensions;
DROP TABLE hazard_progress_reports;
DROP TABLE hazard_listings;
DROP TABLE hazard_extensions;
DROP TABLE hazard_people;
DROP INDEX hazards_by_item;
ALTER TABLE hazards DROP COLUMN proposed_recurrence_of;
ALTER TABLE hazards DROP COLUMN marks;
