-- A plan may ask for inspections of several kinds: one of each at every school and occurrence.
CREATE TABLE plan_kinds (
    plan_id uuid NOT NULL REFERENCES plans (id),
    kind text NOT NULL,
    position integer NOT NULL,
    PRIMARY KEY (plan_id, kind)
);
INSERT INTO plan_kinds (plan_id, kind, position) SELECT id, kind, 0 FROM plans;

CREATE TABLE plan_inspections_of_kinds (
    plan_id uuid NOT NULL REFERENCES plans (id),
    org_id uuid NOT NULL REFERENCES orgs (id),
    occurrence_on date NOT NULL,
    kind text NOT NULL,
    created_at timestamptz NOT NULL,
    inspection_id uuid REFERENCES inspections (id),
    failure text,
    PRIMARY KEY (plan_id, org_id, occurrence_on, kind)
);
INSERT INTO plan_inspections_of_kinds (plan_id, org_id, occurrence_on, kind, created_at, inspection_id, failure)
SELECT p.plan_id, p.org_id, p.occurrence_on, plans.kind, p.created_at, p.inspection_id, p.failure
FROM plan_inspections p JOIN plans ON plans.id = p.plan_id;
DROP TABLE plan_inspections;
ALTER TABLE plan_inspections_of_kinds RENAME TO plan_inspections;
ALTER TABLE plans DROP COLUMN kind;
