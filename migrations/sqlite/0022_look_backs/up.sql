-- Look-backs (回头看): closed hazards that are visited again.

-- Which closed hazards a bureau looks at again; without a row the built-in policy holds.
CREATE TABLE look_back_policies (
    bureau_id BLOB NOT NULL PRIMARY KEY REFERENCES orgs (id),
    version INTEGER NOT NULL,
    created_at INTEGER NOT NULL,
    updated_at INTEGER NOT NULL,
    share_percent INTEGER NOT NULL,
    min_days INTEGER NOT NULL,
    max_days INTEGER NOT NULL,
    all_majors INTEGER NOT NULL
) STRICT;

-- What was taken, drawn by a seed from a pool, or named. sample, seed and pool_sha256 are null where it was named.
CREATE TABLE look_backs (
    id BLOB NOT NULL PRIMARY KEY,
    version INTEGER NOT NULL,
    created_at INTEGER NOT NULL,
    updated_at INTEGER NOT NULL,
    created_by BLOB NOT NULL REFERENCES users (id),
    bureau_id BLOB NOT NULL REFERENCES orgs (id),
    announced INTEGER NOT NULL,
    sample TEXT,
    seed TEXT,
    pool TEXT NOT NULL,
    pool_sha256 TEXT
) STRICT;
CREATE INDEX look_backs_by_bureau ON look_backs (bureau_id, created_at, id);

-- The hazards an inspection looks back at, each as it was closed; a later closing may be looked back at again.
CREATE TABLE look_back_hazards (
    inspection_id BLOB NOT NULL REFERENCES inspections (id),
    hazard_id BLOB NOT NULL REFERENCES hazards (id),
    look_back_id BLOB NOT NULL REFERENCES look_backs (id),
    position INTEGER NOT NULL,
    domain TEXT NOT NULL,
    level TEXT NOT NULL,
    closed_at INTEGER NOT NULL,
    outcome TEXT,
    note TEXT,
    due_at INTEGER,
    judged_by BLOB REFERENCES users (id),
    judged_at INTEGER,
    reopened INTEGER NOT NULL,
    PRIMARY KEY (inspection_id, hazard_id)
) STRICT;
CREATE INDEX look_back_hazards_by_hazard ON look_back_hazards (hazard_id, closed_at);
CREATE INDEX look_back_hazards_by_look_back ON look_back_hazards (look_back_id);

-- The pool of a draw: what was closed between two days.
CREATE INDEX hazards_by_closing ON hazards (bureau_id, closed_at) WHERE status = 'closed';
