-- A plan may ask for inspections of several kinds: one of each at every school and occurrence.
CREATE TABLE plan_kinds (
    plan_id BLOB NOT NULL REFERENCES plans (id),
    kind TEXT NOT NULL,
    position INTEGER NOT NULL,
    PRIMARY KEY (plan_id, kind)
) STRICT;
INSERT INTO plan_kinds (plan_id, kind, position) SELECT id, kind, 0 FROM plans;

CREATE TABLE plan_inspections_of_kinds (
    plan_id BLOB NOT NULL REFERENCES plans (id),
    org_id BLOB NOT NULL REFERENCES orgs (id),
    occurrence_on TEXT NOT NULL,
    kind TEXT NOT NULL,
    created_at INTEGER NOT NULL,
    inspection_id BLOB REFERENCES inspections (id),
    failure TEXT,
    PRIMARY KEY (plan_id, org_id, occurrence_on, kind)
) STRICT;
INSERT INTO plan_inspections_of_kinds (plan_id, org_id, occurrence_on, kind, created_at, inspection_id, failure)
SELECT p.plan_id, p.org_id, p.occurrence_on, plans.kind, p.created_at, p.inspection_id, p.failure
FROM plan_inspections p JOIN plans ON plans.id = p.plan_id;
DROP TABLE plan_inspections;
ALTER TABLE plan_inspections_of_kinds RENAME TO plan_inspections;
ALTER TABLE plans DROP COLUMN kind;
