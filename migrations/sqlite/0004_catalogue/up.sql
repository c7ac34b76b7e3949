-- A bureau's own view of the ten categories, checklists with their items, deadline policies and calendars.
CREATE TABLE category_overrides (
    bureau_id BLOB NOT NULL REFERENCES orgs (id),
    code TEXT NOT NULL,
    version INTEGER NOT NULL,
    created_at INTEGER NOT NULL,
    updated_at INTEGER NOT NULL,
    name_zh TEXT,
    name_en TEXT,
    definition_zh TEXT,
    position INTEGER,
    active INTEGER,
    PRIMARY KEY (bureau_id, code)
) STRICT;

-- Built-in checklists have no bureau. Every revision is a row of its own; a published row never changes.
CREATE TABLE checklists (
    id BLOB NOT NULL PRIMARY KEY,
    version INTEGER NOT NULL,
    created_at INTEGER NOT NULL,
    updated_at INTEGER NOT NULL,
    created_by BLOB,
    body_hash BLOB,
    bureau_id BLOB REFERENCES orgs (id),
    org_id BLOB REFERENCES orgs (id),
    lineage_id BLOB NOT NULL,
    revision INTEGER NOT NULL,
    title TEXT NOT NULL,
    status TEXT NOT NULL,
    published_at INTEGER,
    retired_at INTEGER,
    CONSTRAINT checklists_revision_key UNIQUE (lineage_id, revision)
) STRICT;
CREATE INDEX checklists_by_bureau ON checklists (bureau_id, created_at, id);

CREATE TABLE checklist_items (
    checklist_id BLOB NOT NULL REFERENCES checklists (id),
    position INTEGER NOT NULL,
    code TEXT NOT NULL,
    category TEXT NOT NULL,
    domain TEXT NOT NULL,
    item TEXT NOT NULL,
    PRIMARY KEY (checklist_id, code)
) STRICT;
CREATE INDEX checklist_items_by_category ON checklist_items (category, checklist_id);
CREATE INDEX checklist_items_by_domain ON checklist_items (domain, checklist_id);

CREATE TABLE deadline_policies (
    id BLOB NOT NULL PRIMARY KEY,
    version INTEGER NOT NULL,
    created_at INTEGER NOT NULL,
    updated_at INTEGER NOT NULL,
    created_by BLOB,
    body_hash BLOB,
    bureau_id BLOB REFERENCES orgs (id),
    level TEXT NOT NULL,
    domain TEXT,
    source TEXT,
    remedy TEXT,
    days INTEGER NOT NULL,
    day_kind TEXT NOT NULL,
    active INTEGER NOT NULL
) STRICT;
CREATE INDEX deadline_policies_by_bureau ON deadline_policies (bureau_id, created_at, id);

CREATE TABLE calendar_years (
    bureau_id BLOB NOT NULL REFERENCES orgs (id),
    year INTEGER NOT NULL,
    version INTEGER NOT NULL,
    created_at INTEGER NOT NULL,
    updated_at INTEGER NOT NULL,
    days TEXT NOT NULL,
    PRIMARY KEY (bureau_id, year)
) STRICT;
