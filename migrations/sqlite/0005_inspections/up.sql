-- Inspections, their teams and checklists, and answers as rows of their own.
CREATE TABLE inspections (
    id BLOB NOT NULL PRIMARY KEY,
    version INTEGER NOT NULL,
    created_at INTEGER NOT NULL,
    updated_at INTEGER NOT NULL,
    created_by BLOB,
    body_hash BLOB,
    bureau_id BLOB NOT NULL REFERENCES orgs (id),
    org_id BLOB NOT NULL REFERENCES orgs (id),
    kind TEXT NOT NULL,
    title TEXT NOT NULL,
    announced INTEGER NOT NULL,
    status TEXT NOT NULL,
    planned_on TEXT,
    lead_id BLOB NOT NULL REFERENCES users (id),
    started_at INTEGER,
    started_by BLOB REFERENCES users (id),
    start_location TEXT,
    start_device_time INTEGER,
    submitted_at INTEGER,
    submitted_by BLOB REFERENCES users (id),
    conclusion TEXT,
    signatures TEXT,
    acknowledgement TEXT,
    confirmed_at INTEGER,
    confirmed_by BLOB REFERENCES users (id),
    voided_at INTEGER,
    voided_by BLOB REFERENCES users (id),
    void_reason TEXT
) STRICT;
CREATE INDEX inspections_by_bureau ON inspections (bureau_id, created_at, id);
CREATE INDEX inspections_by_org ON inspections (org_id, created_at, id);

CREATE TABLE inspection_checklists (
    inspection_id BLOB NOT NULL REFERENCES inspections (id),
    checklist_id BLOB NOT NULL REFERENCES checklists (id),
    position INTEGER NOT NULL,
    PRIMARY KEY (inspection_id, checklist_id)
) STRICT;

CREATE TABLE inspection_team (
    inspection_id BLOB NOT NULL REFERENCES inspections (id),
    user_id BLOB NOT NULL REFERENCES users (id),
    position INTEGER NOT NULL,
    PRIMARY KEY (inspection_id, user_id)
) STRICT;
CREATE INDEX inspection_team_by_user ON inspection_team (user_id, inspection_id);

-- One row for each applicable item from the start; result is null until answered.
CREATE TABLE answers (
    id BLOB NOT NULL PRIMARY KEY,
    version INTEGER NOT NULL,
    created_at INTEGER NOT NULL,
    updated_at INTEGER NOT NULL,
    bureau_id BLOB NOT NULL REFERENCES orgs (id),
    org_id BLOB NOT NULL REFERENCES orgs (id),
    inspection_id BLOB NOT NULL REFERENCES inspections (id),
    checklist_id BLOB NOT NULL REFERENCES checklists (id),
    item_code TEXT NOT NULL,
    position INTEGER NOT NULL,
    category TEXT NOT NULL,
    domain TEXT NOT NULL,
    result TEXT,
    value TEXT,
    note TEXT,
    reason TEXT,
    site_id BLOB REFERENCES sites (id),
    severity TEXT,
    on_the_spot INTEGER NOT NULL,
    evidence_ids TEXT NOT NULL,
    before_evidence_ids TEXT NOT NULL,
    after_evidence_ids TEXT NOT NULL,
    measures_taken TEXT,
    fixed_by BLOB REFERENCES users (id),
    answered_by BLOB REFERENCES users (id),
    answered_at INTEGER,
    device_time INTEGER,
    hazard_id BLOB,
    CONSTRAINT answers_item_key UNIQUE (inspection_id, item_code)
) STRICT;
CREATE INDEX answers_by_item ON answers (bureau_id, item_code, result, created_at, id);
CREATE INDEX answers_by_bureau ON answers (bureau_id, created_at, id);
CREATE INDEX answers_by_org ON answers (org_id, created_at, id);
