-- Bureaus, clusters, schools, agencies and the places inside schools.
CREATE TABLE orgs (
    id uuid NOT NULL PRIMARY KEY,
    version bigint NOT NULL,
    created_at timestamptz NOT NULL,
    updated_at timestamptz NOT NULL,
    created_by uuid,
    body_hash bytea,
    kind text NOT NULL CHECK (kind IN ('bureau', 'cluster', 'school', 'agency')),
    parent_id uuid REFERENCES orgs (id),
    bureau_id uuid NOT NULL REFERENCES orgs (id),
    name text NOT NULL,
    region_code text,
    time_zone text NOT NULL,
    school_kind text,
    identifier text,
    features jsonb NOT NULL,
    students integer,
    staff integer,
    max_floor integer,
    address text,
    lat double precision,
    lng double precision,
    datum text,
    CONSTRAINT orgs_name_key UNIQUE (bureau_id, name),
    CONSTRAINT orgs_identifier_key UNIQUE (bureau_id, identifier),
    CONSTRAINT orgs_region_code_key UNIQUE (region_code)
);
CREATE INDEX orgs_by_bureau ON orgs (bureau_id, created_at, id);
CREATE INDEX orgs_by_parent ON orgs (parent_id);

-- Every organisation with all those above it, itself included at depth 0.
CREATE TABLE org_closure (
    ancestor_id uuid NOT NULL REFERENCES orgs (id),
    descendant_id uuid NOT NULL REFERENCES orgs (id),
    depth integer NOT NULL,
    PRIMARY KEY (ancestor_id, descendant_id)
);
CREATE INDEX org_closure_by_descendant ON org_closure (descendant_id);

CREATE TABLE sites (
    id uuid NOT NULL PRIMARY KEY,
    version bigint NOT NULL,
    created_at timestamptz NOT NULL,
    updated_at timestamptz NOT NULL,
    created_by uuid,
    body_hash bytea,
    bureau_id uuid NOT NULL REFERENCES orgs (id),
    org_id uuid NOT NULL REFERENCES orgs (id),
    parent_id uuid REFERENCES sites (id),
    kind text NOT NULL,
    name text NOT NULL,
    code text,
    CONSTRAINT sites_code_key UNIQUE (bureau_id, code)
);
CREATE INDEX sites_by_org ON sites (org_id, created_at, id);
