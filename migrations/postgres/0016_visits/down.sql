DROP TABLE signing_delegations;
DROP TABLE hazard_observations;
DROP TABLE inspection_amendments;
DROP TABLE inspection_versions;
ALTER TABLE inspections DROP COLUMN objection_reply;
ALTER TABLE inspections DROP COLUMN revision;
