-- Who must not inspect which school (回避), and double-random draws (双随机) with their proof.
CREATE TABLE recusals (
    id uuid NOT NULL PRIMARY KEY,
    version bigint NOT NULL,
    created_at timestamptz NOT NULL,
    updated_at timestamptz NOT NULL,
    created_by uuid NOT NULL REFERENCES users (id),
    body_hash bytea,
    bureau_id uuid NOT NULL REFERENCES orgs (id),
    org_id uuid NOT NULL REFERENCES orgs (id),
    inspector_id uuid NOT NULL REFERENCES users (id),
    relation text NOT NULL,
    note text,
    until date,
    ended_at timestamptz,
    ended_by uuid REFERENCES users (id),
    end_reason text
);
CREATE INDEX recusals_by_bureau ON recusals (bureau_id, created_at, id);
CREATE INDEX recusals_by_pair ON recusals (org_id, inspector_id);

-- An exception of one recusal; counts once a second person has approved it. With neither inspection nor day it is good
-- for the next inspection, which is then put down here.
CREATE TABLE recusal_overrides (
    id uuid NOT NULL PRIMARY KEY,
    version bigint NOT NULL,
    created_at timestamptz NOT NULL,
    updated_at timestamptz NOT NULL,
    created_by uuid NOT NULL REFERENCES users (id),
    body_hash bytea,
    recusal_id uuid NOT NULL REFERENCES recusals (id),
    inspection_id uuid REFERENCES inspections (id),
    until date,
    reason text NOT NULL,
    approved_at timestamptz,
    approved_by uuid REFERENCES users (id)
);
CREATE INDEX recusal_overrides_by_recusal ON recusal_overrides (recusal_id, created_at, id);

-- The pool holds everything drawn from, as frozen; its hash is in the journal since then.
CREATE TABLE draws (
    id uuid NOT NULL PRIMARY KEY,
    version bigint NOT NULL,
    created_at timestamptz NOT NULL,
    updated_at timestamptz NOT NULL,
    created_by uuid NOT NULL REFERENCES users (id),
    body_hash bytea,
    bureau_id uuid NOT NULL REFERENCES orgs (id),
    number text NOT NULL,
    year integer NOT NULL,
    title text NOT NULL,
    reason text,
    repeats uuid REFERENCES draws (id),
    status text NOT NULL,
    seeding text NOT NULL,
    pool jsonb NOT NULL,
    pool_sha256 text NOT NULL,
    schools_sha256 text NOT NULL,
    entropy jsonb,
    drawn_at timestamptz,
    drawn_by uuid REFERENCES users (id),
    result_sha256 text,
    published_at timestamptz,
    published_by uuid REFERENCES users (id),
    statement text,
    voided_at timestamptz,
    voided_by uuid REFERENCES users (id),
    void_reason text,
    CONSTRAINT draws_number_key UNIQUE (bureau_id, number)
);
CREATE INDEX draws_by_bureau ON draws (bureau_id, created_at, id);

-- Promises of seeds; seed and salt come when all have promised.
CREATE TABLE draw_commitments (
    draw_id uuid NOT NULL REFERENCES draws (id),
    position integer NOT NULL,
    official uuid NOT NULL REFERENCES users (id),
    committed_at timestamptz NOT NULL,
    commitment text NOT NULL,
    revealed_at timestamptz,
    seed text,
    salt text,
    PRIMARY KEY (draw_id, position),
    CONSTRAINT draw_commitments_official_key UNIQUE (draw_id, official)
);
CREATE INDEX draw_commitments_by_hash ON draw_commitments (commitment);

CREATE TABLE draw_results (
    draw_id uuid NOT NULL REFERENCES draws (id),
    position integer NOT NULL,
    stratum text NOT NULL,
    org_id uuid NOT NULL REFERENCES orgs (id),
    team jsonb NOT NULL,
    inspection_id uuid REFERENCES inspections (id),
    PRIMARY KEY (draw_id, position),
    CONSTRAINT draw_results_school_key UNIQUE (draw_id, org_id)
);
