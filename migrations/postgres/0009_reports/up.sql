-- What a member of staff hints, an external inspector suggests or the public reports: not yet a hazard, for triage.
-- kind: hint, suggestion, public. status: waiting, accepted, duplicate, out_of_scope, transferred.
-- reported_by is null for the public, body_hash is keyed there: a contact could be guessed from a bare one.
CREATE TABLE reports (
    id uuid NOT NULL PRIMARY KEY,
    version bigint NOT NULL,
    created_at timestamptz NOT NULL,
    updated_at timestamptz NOT NULL,
    body_hash bytea,
    bureau_id uuid NOT NULL REFERENCES orgs (id),
    org_id uuid NOT NULL REFERENCES orgs (id),
    kind text NOT NULL,
    status text NOT NULL,
    category text,
    domain text,
    title text,
    description text NOT NULL,
    site_id uuid REFERENCES sites (id),
    level text,
    basis text,
    found_at timestamptz NOT NULL,
    reported_by uuid REFERENCES users (id),
    inspection_id uuid REFERENCES inspections (id),
    item_code text,
    evidence_ids jsonb NOT NULL,
    tracking_hash bytea,
    has_contact boolean NOT NULL,
    reviewed_at timestamptz,
    triaged_by uuid REFERENCES users (id),
    triaged_at timestamptz,
    reason text,
    transferred_to text,
    hazard_id uuid REFERENCES hazards (id),
    duplicate_of uuid REFERENCES hazards (id),
    CONSTRAINT reports_tracking_key UNIQUE (tracking_hash)
);
CREATE INDEX reports_by_bureau ON reports (bureau_id, created_at, id);
CREATE INDEX reports_by_bureau_status ON reports (bureau_id, status, created_at, id);
CREATE INDEX reports_by_bureau_kind ON reports (bureau_id, kind, created_at, id);
CREATE INDEX reports_by_org ON reports (org_id, created_at, id);
CREATE INDEX reports_by_reporter ON reports (reported_by, created_at, id);

-- The compartment: how to reach a reporter, sealed under a key that is not in the database.
CREATE TABLE report_contacts (
    report_id uuid NOT NULL PRIMARY KEY REFERENCES reports (id),
    key_id text NOT NULL,
    nonce bytea NOT NULL,
    sealed bytea NOT NULL
);

-- What a poster at the school gate carries is looked up without knowing the bureau.
CREATE INDEX orgs_by_identifier ON orgs (identifier);
CREATE INDEX sites_by_code ON sites (code);
