-- Points reached: somebody of the team read the label of a place while the inspection was in progress. A point may be
-- reached more than once; nothing is taken back.
CREATE TABLE patrol_scans (
    id BLOB NOT NULL PRIMARY KEY,
    created_at INTEGER NOT NULL,
    created_by BLOB NOT NULL REFERENCES users (id),
    body_hash BLOB,
    bureau_id BLOB NOT NULL REFERENCES orgs (id),
    org_id BLOB NOT NULL REFERENCES orgs (id),
    inspection_id BLOB NOT NULL REFERENCES inspections (id),
    site_id BLOB NOT NULL REFERENCES sites (id),
    device_time INTEGER,
    skew_s INTEGER,
    location TEXT,
    distance_m REAL
) STRICT;
CREATE INDEX patrol_scans_by_inspection ON patrol_scans (inspection_id, created_at, id);
