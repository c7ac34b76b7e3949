-- Points reached: somebody of the team read the label of a place while the inspection was in progress. A point may be
-- reached more than once; nothing is taken back.
CREATE TABLE patrol_scans (
    id uuid NOT NULL PRIMARY KEY,
    created_at timestamptz NOT NULL,
    created_by uuid NOT NULL REFERENCES users (id),
    body_hash bytea,
    bureau_id uuid NOT NULL REFERENCES orgs (id),
    org_id uuid NOT NULL REFERENCES orgs (id),
    inspection_id uuid NOT NULL REFERENCES inspections (id),
    site_id uuid NOT NULL REFERENCES sites (id),
    device_time timestamptz,
    skew_s bigint,
    location jsonb,
    distance_m double precision
);
CREATE INDEX patrol_scans_by_inspection ON patrol_scans (inspection_id, created_at, id);
