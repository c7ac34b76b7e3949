-- A bureau's own view of the ten categories, checklists with their items, deadline policies and calendars.
CREATE TABLE category_overrides (
    bureau_id uuid NOT NULL REFERENCES orgs (id),
    code text NOT NULL,
    version bigint NOT NULL,
    created_at timestamptz NOT NULL,
    updated_at timestamptz NOT NULL,
    name_zh text,
    name_en text,
    definition_zh text,
    position integer,
    active boolean,
    PRIMARY KEY (bureau_id, code)
);

-- Built-in checklists have no bureau. Every revision is a row of its own; a published row never changes.
CREATE TABLE checklists (
    id uuid NOT NULL PRIMARY KEY,
    version bigint NOT NULL,
    created_at timestamptz NOT NULL,
    updated_at timestamptz NOT NULL,
    created_by uuid,
    body_hash bytea,
    bureau_id uuid REFERENCES orgs (id),
    org_id uuid REFERENCES orgs (id),
    lineage_id uuid NOT NULL,
    revision integer NOT NULL,
    title text NOT NULL,
    status text NOT NULL,
    published_at timestamptz,
    retired_at timestamptz,
    CONSTRAINT checklists_revision_key UNIQUE (lineage_id, revision)
);
CREATE INDEX checklists_by_bureau ON checklists (bureau_id, created_at, id);

CREATE TABLE checklist_items (
    checklist_id uuid NOT NULL REFERENCES checklists (id),
    position integer NOT NULL,
    code text NOT NULL,
    category text NOT NULL,
    domain text NOT NULL,
    item jsonb NOT NULL,
    PRIMARY KEY (checklist_id, code)
);
CREATE INDEX checklist_items_by_category ON checklist_items (category, checklist_id);
CREATE INDEX checklist_items_by_domain ON checklist_items (domain, checklist_id);

CREATE TABLE deadline_policies (
    id uuid NOT NULL PRIMARY KEY,
    version bigint NOT NULL,
    created_at timestamptz NOT NULL,
    updated_at timestamptz NOT NULL,
    created_by uuid,
    body_hash bytea,
    bureau_id uuid REFERENCES orgs (id),
    level text NOT NULL,
    domain text,
    source text,
    remedy text,
    days integer NOT NULL,
    day_kind text NOT NULL,
    active boolean NOT NULL
);
CREATE INDEX deadline_policies_by_bureau ON deadline_policies (bureau_id, created_at, id);

CREATE TABLE calendar_years (
    bureau_id uuid NOT NULL REFERENCES orgs (id),
    year integer NOT NULL,
    version bigint NOT NULL,
    created_at timestamptz NOT NULL,
    updated_at timestamptz NOT NULL,
    days jsonb NOT NULL,
    PRIMARY KEY (bureau_id, year)
);
