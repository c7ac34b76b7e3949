-- What a member of staff hints, an external inspector suggests or the public reports: not yet a hazard, for triage.
-- kind: hint, suggestion, public. status: waiting, accepted, duplicate, out_of_scope, transferred.
-- reported_by is null for the public, body_hash is keyed there: a contact could be guessed from a bare one.
CREATE TABLE reports (
    id BLOB NOT NULL PRIMARY KEY,
    version INTEGER NOT NULL,
    created_at INTEGER NOT NULL,
    updated_at INTEGER NOT NULL,
    body_hash BLOB,
    bureau_id BLOB NOT NULL REFERENCES orgs (id),
    org_id BLOB NOT NULL REFERENCES orgs (id),
    kind TEXT NOT NULL,
    status TEXT NOT NULL,
    category TEXT,
    domain TEXT,
    title TEXT,
    description TEXT NOT NULL,
    site_id BLOB REFERENCES sites (id),
    level TEXT,
    basis TEXT,
    found_at INTEGER NOT NULL,
    reported_by BLOB REFERENCES users (id),
    inspection_id BLOB REFERENCES inspections (id),
    item_code TEXT,
    evidence_ids TEXT NOT NULL,
    tracking_hash BLOB,
    has_contact INTEGER NOT NULL,
    reviewed_at INTEGER,
    triaged_by BLOB REFERENCES users (id),
    triaged_at INTEGER,
    reason TEXT,
    transferred_to TEXT,
    hazard_id BLOB REFERENCES hazards (id),
    duplicate_of BLOB REFERENCES hazards (id),
    CONSTRAINT reports_tracking_key UNIQUE (tracking_hash)
) STRICT;
CREATE INDEX reports_by_bureau ON reports (bureau_id, created_at, id);
CREATE INDEX reports_by_bureau_status ON reports (bureau_id, status, created_at, id);
CREATE INDEX reports_by_bureau_kind ON reports (bureau_id, kind, created_at, id);
CREATE INDEX reports_by_org ON reports (org_id, created_at, id);
CREATE INDEX reports_by_reporter ON reports (reported_by, created_at, id);

-- The compartment: how to reach a reporter, sealed under a key that is not in the database.
CREATE TABLE report_contacts (
    report_id BLOB NOT NULL PRIMARY KEY REFERENCES reports (id),
    key_id TEXT NOT NULL,
    nonce BLOB NOT NULL,
    sealed BLOB NOT NULL
) STRICT;

-- What a poster at the school gate carries is looked up without knowing the bureau.
CREATE INDEX orgs_by_identifier ON orgs (identifier);
CREATE INDEX sites_by_code ON sites (code);
