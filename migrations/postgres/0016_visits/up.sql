-- What happens at a visit and after it: open hazards checked off, amendments with the versions they supersede,
-- delegated signing.

-- Which version of the record stands: 0 before it is handed in, then 1, one more with each amendment.
ALTER TABLE inspections ADD COLUMN revision integer NOT NULL DEFAULT 0;
UPDATE inspections SET revision = 1 WHERE submitted_at IS NOT NULL;
-- The bureau's answer to an objection against the version that stands.
ALTER TABLE inspections ADD COLUMN objection_reply jsonb;

-- Superseded versions, whole, as they stood when an amendment took their place. Never changed.
CREATE TABLE inspection_versions (
    inspection_id uuid NOT NULL REFERENCES inspections (id),
    number integer NOT NULL,
    superseded_at timestamptz NOT NULL,
    record jsonb NOT NULL,
    answers jsonb NOT NULL,
    PRIMARY KEY (inspection_id, number)
);

-- Who made which version of which, why, and what differs. Never changed.
CREATE TABLE inspection_amendments (
    id uuid NOT NULL PRIMARY KEY,
    created_at timestamptz NOT NULL,
    created_by uuid NOT NULL REFERENCES users (id),
    body_hash bytea,
    inspection_id uuid NOT NULL REFERENCES inspections (id),
    number integer NOT NULL,
    reason text NOT NULL,
    difference jsonb NOT NULL,
    CONSTRAINT inspection_amendments_number_key UNIQUE (inspection_id, number)
);

-- What a team saw of a hazard that was open when it came. It closes nothing.
CREATE TABLE hazard_observations (
    inspection_id uuid NOT NULL REFERENCES inspections (id),
    hazard_id uuid NOT NULL REFERENCES hazards (id),
    observed text NOT NULL,
    note text,
    observed_by uuid NOT NULL REFERENCES users (id),
    observed_at timestamptz NOT NULL,
    PRIMARY KEY (inspection_id, hazard_id)
);

-- A principal lets the school's safety officer sign records of inspection, from day to day, until revoked.
CREATE TABLE signing_delegations (
    id uuid NOT NULL PRIMARY KEY,
    version bigint NOT NULL,
    created_at timestamptz NOT NULL,
    updated_at timestamptz NOT NULL,
    created_by uuid NOT NULL REFERENCES users (id),
    body_hash bytea,
    bureau_id uuid NOT NULL REFERENCES orgs (id),
    org_id uuid NOT NULL REFERENCES orgs (id),
    user_id uuid NOT NULL REFERENCES users (id),
    valid_from date NOT NULL,
    valid_to date NOT NULL,
    note text,
    revoked_at timestamptz,
    revoked_by uuid REFERENCES users (id)
);
CREATE INDEX signing_delegations_by_org ON signing_delegations (org_id, created_at, id);
