-- Who must not inspect which school (回避), and double-random draws (双随机) with their proof.
CREATE TABLE recusals (
    id BLOB NOT NULL PRIMARY KEY,
    version INTEGER NOT NULL,
    created_at INTEGER NOT NULL,
    updated_at INTEGER NOT NULL,
    created_by BLOB NOT NULL REFERENCES users (id),
    body_hash BLOB,
    bureau_id BLOB NOT NULL REFERENCES orgs (id),
    org_id BLOB NOT NULL REFERENCES orgs (id),
    inspector_id BLOB NOT NULL REFERENCES users (id),
    relation TEXT NOT NULL,
    note TEXT,
    until TEXT,
    ended_at INTEGER,
    ended_by BLOB REFERENCES users (id),
    end_reason TEXT
) STRICT;
CREATE INDEX recusals_by_bureau ON recusals (bureau_id, created_at, id);
CREATE INDEX recusals_by_pair ON recusals (org_id, inspector_id);

-- An exception of one recusal; counts once a second person has approved it. With neither inspection nor day it is good
-- for the next inspection, which is then put down here.
CREATE TABLE recusal_overrides (
    id BLOB NOT NULL PRIMARY KEY,
    version INTEGER NOT NULL,
    created_at INTEGER NOT NULL,
    updated_at INTEGER NOT NULL,
    created_by BLOB NOT NULL REFERENCES users (id),
    body_hash BLOB,
    recusal_id BLOB NOT NULL REFERENCES recusals (id),
    inspection_id BLOB REFERENCES inspections (id),
    until TEXT,
    reason TEXT NOT NULL,
    approved_at INTEGER,
    approved_by BLOB REFERENCES users (id)
) STRICT;
CREATE INDEX recusal_overrides_by_recusal ON recusal_overrides (recusal_id, created_at, id);

-- The pool holds everything drawn from, as frozen; its hash is in the journal since then.
CREATE TABLE draws (
    id BLOB NOT NULL PRIMARY KEY,
    version INTEGER NOT NULL,
    created_at INTEGER NOT NULL,
    updated_at INTEGER NOT NULL,
    created_by BLOB NOT NULL REFERENCES users (id),
    body_hash BLOB,
    bureau_id BLOB NOT NULL REFERENCES orgs (id),
    number TEXT NOT NULL,
    year INTEGER NOT NULL,
    title TEXT NOT NULL,
    reason TEXT,
    repeats BLOB REFERENCES draws (id),
    status TEXT NOT NULL,
    seeding TEXT NOT NULL,
    pool TEXT NOT NULL,
    pool_sha256 TEXT NOT NULL,
    schools_sha256 TEXT NOT NULL,
    entropy TEXT,
    drawn_at INTEGER,
    drawn_by BLOB REFERENCES users (id),
    result_sha256 TEXT,
    published_at INTEGER,
    published_by BLOB REFERENCES users (id),
    statement TEXT,
    voided_at INTEGER,
    voided_by BLOB REFERENCES users (id),
    void_reason TEXT,
    CONSTRAINT draws_number_key UNIQUE (bureau_id, number)
) STRICT;
CREATE INDEX draws_by_bureau ON draws (bureau_id, created_at, id);

-- Promises of seeds; seed and salt come when all have promised.
CREATE TABLE draw_commitments (
    draw_id BLOB NOT NULL REFERENCES draws (id),
    position INTEGER NOT NULL,
    official BLOB NOT NULL REFERENCES users (id),
    committed_at INTEGER NOT NULL,
    commitment TEXT NOT NULL,
    revealed_at INTEGER,
    seed TEXT,
    salt TEXT,
    PRIMARY KEY (draw_id, position),
    CONSTRAINT draw_commitments_official_key UNIQUE (draw_id, official)
) STRICT;
CREATE INDEX draw_commitments_by_hash ON draw_commitments (commitment);

CREATE TABLE draw_results (
    draw_id BLOB NOT NULL REFERENCES draws (id),
    position INTEGER NOT NULL,
    stratum TEXT NOT NULL,
    org_id BLOB NOT NULL REFERENCES orgs (id),
    team TEXT NOT NULL,
    inspection_id BLOB REFERENCES inspections (id),
    PRIMARY KEY (draw_id, position),
    CONSTRAINT draw_results_school_key UNIQUE (draw_id, org_id)
) STRICT;
