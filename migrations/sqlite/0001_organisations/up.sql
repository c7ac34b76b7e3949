-- Bureaus, clusters, schools, agencies and the places inside schools.
CREATE TABLE orgs (
    id BLOB NOT NULL PRIMARY KEY,
    version INTEGER NOT NULL,
    created_at INTEGER NOT NULL,
    updated_at INTEGER NOT NULL,
    created_by BLOB,
    body_hash BLOB,
    kind TEXT NOT NULL CHECK (kind IN ('bureau', 'cluster', 'school', 'agency')),
    parent_id BLOB REFERENCES orgs (id),
    bureau_id BLOB NOT NULL REFERENCES orgs (id),
    name TEXT NOT NULL,
    region_code TEXT,
    time_zone TEXT NOT NULL,
    school_kind TEXT,
    identifier TEXT,
    features TEXT NOT NULL,
    students INTEGER,
    staff INTEGER,
    max_floor INTEGER,
    address TEXT,
    lat REAL,
    lng REAL,
    datum TEXT,
    CONSTRAINT orgs_name_key UNIQUE (bureau_id, name),
    CONSTRAINT orgs_identifier_key UNIQUE (bureau_id, identifier),
    CONSTRAINT orgs_region_code_key UNIQUE (region_code)
) STRICT;
CREATE INDEX orgs_by_bureau ON orgs (bureau_id, created_at, id);
CREATE INDEX orgs_by_parent ON orgs (parent_id);

-- Every organisation with all those above it, itself included at depth 0.
CREATE TABLE org_closure (
    ancestor_id BLOB NOT NULL REFERENCES orgs (id),
    descendant_id BLOB NOT NULL REFERENCES orgs (id),
    depth INTEGER NOT NULL,
    PRIMARY KEY (ancestor_id, descendant_id)
) STRICT;
CREATE INDEX org_closure_by_descendant ON org_closure (descendant_id);

CREATE TABLE sites (
    id BLOB NOT NULL PRIMARY KEY,
    version INTEGER NOT NULL,
    created_at INTEGER NOT NULL,
    updated_at INTEGER NOT NULL,
    created_by BLOB,
    body_hash BLOB,
    bureau_id BLOB NOT NULL REFERENCES orgs (id),
    org_id BLOB NOT NULL REFERENCES orgs (id),
    parent_id BLOB REFERENCES sites (id),
    kind TEXT NOT NULL,
    name TEXT NOT NULL,
    code TEXT,
    CONSTRAINT sites_code_key UNIQUE (bureau_id, code)
) STRICT;
CREATE INDEX sites_by_org ON sites (org_id, created_at, id);
