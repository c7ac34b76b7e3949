ALTER TABLE plans ADD COLUMN kind TEXT NOT NULL DEFAULT 'routine';
UPDATE plans SET kind = (SELECT k.kind FROM plan_kinds k WHERE k.plan_id = plans.id AND k.position = 0);
DELETE FROM plan_inspections WHERE kind <> (SELECT plans.kind FROM plans WHERE plans.id = plan_inspections.plan_id);
CREATE TABLE plan_inspections_of_one (
    plan_id BLOB NOT NULL REFERENCES plans (id),
    org_id BLOB NOT NULL REFERENCES orgs (id),
    occurrence_on TEXT NOT NULL,
    created_at INTEGER NOT NULL,
    inspection_id BLOB REFERENCES inspections (id),
    failure TEXT,
    PRIMARY KEY (plan_id, org_id, occurrence_on)
) STRICT;
INSERT INTO plan_inspections_of_one (plan_id, org_id, occurrence_on, created_at, inspection_id, failure)
SELECT plan_id, org_id, occurrence_on, created_at, inspection_id, failure FROM plan_inspections;
DROP TABLE plan_inspections;
ALTER TABLE plan_inspections_of_one RENAME TO plan_inspections;
DROP TABLE plan_kinds;
