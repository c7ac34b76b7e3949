ALTER TABLE answers DROP COLUMN evidence_gaps;
ALTER TABLE answers DROP COLUMN photos_received;
DROP TABLE evidence_policies;
DROP TABLE evidence;
