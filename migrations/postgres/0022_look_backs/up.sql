-- Look-backs (回头看): closed hazards that are visited again.

-- Which closed hazards a bureau looks at again; without a row the built-in policy holds.
CREATE TABLE look_back_policies (
    bureau_id uuid NOT NULL PRIMARY KEY REFERENCES orgs (id),
    version bigint NOT NULL,
    created_at timestamptz NOT NULL,
    updated_at timestamptz NOT NULL,
    share_percent integer NOT NULL,
    min_days integer NOT NULL,
    max_days integer NOT NULL,
    all_majors boolean NOT NULL
);

-- What was taken, drawn by a seed from a pool, or named. sample, seed and pool_sha256 are null where it was named.
CREATE TABLE look_backs (
    id uuid NOT NULL PRIMARY KEY,
    version bigint NOT NULL,
    created_at timestamptz NOT NULL,
    updated_at timestamptz NOT NULL,
    created_by uuid NOT NULL REFERENCES users (id),
    bureau_id uuid NOT NULL REFERENCES orgs (id),
    announced boolean NOT NULL,
    sample jsonb,
    seed text,
    pool jsonb NOT NULL,
    pool_sha256 text
);
CREATE INDEX look_backs_by_bureau ON look_backs (bureau_id, created_at, id);

-- The hazards an inspection looks back at, each as it was closed; a later closing may be looked back at again.
CREATE TABLE look_back_hazards (
    inspection_id uuid NOT NULL REFERENCES inspections (id),
    hazard_id uuid NOT NULL REFERENCES hazards (id),
    look_back_id uuid NOT NULL REFERENCES look_backs (id),
    position integer NOT NULL,
    domain text NOT NULL,
    level text NOT NULL,
    closed_at timestamptz NOT NULL,
    outcome text,
    note text,
    due_at timestamptz,
    judged_by uuid REFERENCES users (id),
    judged_at timestamptz,
    reopened boolean NOT NULL,
    PRIMARY KEY (inspection_id, hazard_id)
);
CREATE INDEX look_back_hazards_by_hazard ON look_back_hazards (hazard_id, closed_at);
CREATE INDEX look_back_hazards_by_look_back ON look_back_hazards (look_back_id);

-- The pool of a draw: what was closed between two days.
CREATE INDEX hazards_by_closing ON hazards (bureau_id, closed_at) WHERE status = 'closed';
