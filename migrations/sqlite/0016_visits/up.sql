-- What happens at a visit and after it: open hazards checked off, amendments with the versions they supersede,
-- delegated signing.

-- Which version of the record stands: 0 before it is handed in, then 1, one more with each amendment.
ALTER TABLE inspections ADD COLUMN revision INTEGER NOT NULL DEFAULT 0;
UPDATE inspections SET revision = 1 WHERE submitted_at IS NOT NULL;
-- The bureau's answer to an objection against the version that stands.
ALTER TABLE inspections ADD COLUMN objection_reply TEXT;

-- Superseded versions, whole, as they stood when an amendment took their place. Never changed.
CREATE TABLE inspection_versions (
    inspection_id BLOB NOT NULL REFERENCES inspections (id),
    number INTEGER NOT NULL,
    superseded_at INTEGER NOT NULL,
    record TEXT NOT NULL,
    answers TEXT NOT NULL,
    PRIMARY KEY (inspection_id, number)
) STRICT;

-- Who made which version of which, why, and what differs. Never changed.
CREATE TABLE inspection_amendments (
    id BLOB NOT NULL PRIMARY KEY,
    created_at INTEGER NOT NULL,
    created_by BLOB NOT NULL REFERENCES users (id),
    body_hash BLOB,
    inspection_id BLOB NOT NULL REFERENCES inspections (id),
    number INTEGER NOT NULL,
    reason TEXT NOT NULL,
    difference TEXT NOT NULL,
    CONSTRAINT inspection_amendments_number_key UNIQUE (inspection_id, number)
) STRICT;

-- What a team saw of a hazard that was open when it came. It closes nothing.
CREATE TABLE hazard_observations (
    inspection_id BLOB NOT NULL REFERENCES inspections (id),
    hazard_id BLOB NOT NULL REFERENCES hazards (id),
    observed TEXT NOT NULL,
    note TEXT,
    observed_by BLOB NOT NULL REFERENCES users (id),
    observed_at INTEGER NOT NULL,
    PRIMARY KEY (inspection_id, hazard_id)
) STRICT;

-- A principal lets the school's safety officer sign records of inspection, from day to day, until revoked.
CREATE TABLE signing_delegations (
    id BLOB NOT NULL PRIMARY KEY,
    version INTEGER NOT NULL,
    created_at INTEGER NOT NULL,
    updated_at INTEGER NOT NULL,
    created_by BLOB NOT NULL REFERENCES users (id),
    body_hash BLOB,
    bureau_id BLOB NOT NULL REFERENCES orgs (id),
    org_id BLOB NOT NULL REFERENCES orgs (id),
    user_id BLOB NOT NULL REFERENCES users (id),
    valid_from TEXT NOT NULL,
    valid_to TEXT NOT NULL,
    note TEXT,
    revoked_at INTEGER,
    revoked_by BLOB REFERENCES users (id)
) STRICT;
CREATE INDEX signing_delegations_by_org ON signing_delegations (org_id, created_at, id);
