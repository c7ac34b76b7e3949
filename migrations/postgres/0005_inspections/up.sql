-- Inspections, their teams and checklists, and answers as rows of their own.
CREATE TABLE inspections (
    id uuid NOT NULL PRIMARY KEY,
    version bigint NOT NULL,
    created_at timestamptz NOT NULL,
    updated_at timestamptz NOT NULL,
    created_by uuid,
    body_hash bytea,
    bureau_id uuid NOT NULL REFERENCES orgs (id),
    org_id uuid NOT NULL REFERENCES orgs (id),
    kind text NOT NULL,
    title text NOT NULL,
    announced boolean NOT NULL,
    status text NOT NULL,
    planned_on date,
    lead_id uuid NOT NULL REFERENCES users (id),
    started_at timestamptz,
    started_by uuid REFERENCES users (id),
    start_location jsonb,
    start_device_time timestamptz,
    submitted_at timestamptz,
    submitted_by uuid REFERENCES users (id),
    conclusion text,
    signatures jsonb,
    acknowledgement jsonb,
    confirmed_at timestamptz,
    confirmed_by uuid REFERENCES users (id),
    voided_at timestamptz,
    voided_by uuid REFERENCES users (id),
    void_reason text
);
CREATE INDEX inspections_by_bureau ON inspections (bureau_id, created_at, id);
CREATE INDEX inspections_by_org ON inspections (org_id, created_at, id);

CREATE TABLE inspection_checklists (
    inspection_id uuid NOT NULL REFERENCES inspections (id),
    checklist_id uuid NOT NULL REFERENCES checklists (id),
    position integer NOT NULL,
    PRIMARY KEY (inspection_id, checklist_id)
);

CREATE TABLE inspection_team (
    inspection_id uuid NOT NULL REFERENCES inspections (id),
    user_id uuid NOT NULL REFERENCES users (id),
    position integer NOT NULL,
    PRIMARY KEY (inspection_id, user_id)
);
CREATE INDEX inspection_team_by_user ON inspection_team (user_id, inspection_id);

-- One row for each applicable item from the start; result is null until answered.
CREATE TABLE answers (
    id uuid NOT NULL PRIMARY KEY,
    version bigint NOT NULL,
    created_at timestamptz NOT NULL,
    updated_at timestamptz NOT NULL,
    bureau_id uuid NOT NULL REFERENCES orgs (id),
    org_id uuid NOT NULL REFERENCES orgs (id),
    inspection_id uuid NOT NULL REFERENCES inspections (id),
    checklist_id uuid NOT NULL REFERENCES checklists (id),
    item_code text NOT NULL,
    position integer NOT NULL,
    category text NOT NULL,
    domain text NOT NULL,
    result text,
    value jsonb,
    note text,
    reason text,
    site_id uuid REFERENCES sites (id),
    severity text,
    on_the_spot boolean NOT NULL,
    evidence_ids jsonb NOT NULL,
    before_evidence_ids jsonb NOT NULL,
    after_evidence_ids jsonb NOT NULL,
    measures_taken text,
    fixed_by uuid REFERENCES users (id),
    answered_by uuid REFERENCES users (id),
    answered_at timestamptz,
    device_time timestamptz,
    hazard_id uuid,
    CONSTRAINT answers_item_key UNIQUE (inspection_id, item_code)
);
CREATE INDEX answers_by_item ON answers (bureau_id, item_code, result, created_at, id);
CREATE INDEX answers_by_bureau ON answers (bureau_id, created_at, id);
CREATE INDEX answers_by_org ON answers (org_id, created_at, id);
