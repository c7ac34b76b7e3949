-- What accompanies a hazard beside its state: extensions, supervised listing, stop of use, referral; and who rechecked.

-- The standing marks of a row, so that a list shows and decides without a query per row; see hazards::status::Marks.
ALTER TABLE hazards ADD COLUMN marks TEXT NOT NULL DEFAULT '{}';
-- The earlier hazard of the same school, site and item that the server proposes as the one that came back.
ALTER TABLE hazards ADD COLUMN proposed_recurrence_of BLOB;
CREATE INDEX hazards_by_item ON hazards (org_id, item_code, registered_at);

-- People who stand in a relation to a hazard that gives them sight of it: `rechecker`.
CREATE TABLE hazard_people (
    hazard_id BLOB NOT NULL REFERENCES hazards (id),
    user_id BLOB NOT NULL REFERENCES users (id),
    part TEXT NOT NULL,
    PRIMARY KEY (hazard_id, user_id, part)
) STRICT;
CREATE INDEX hazard_people_by_user ON hazard_people (user_id, hazard_id);

-- Requests for more time (延期). status: pending, granted, refused.
CREATE TABLE hazard_extensions (
    id BLOB NOT NULL PRIMARY KEY,
    version INTEGER NOT NULL,
    created_at INTEGER NOT NULL,
    updated_at INTEGER NOT NULL,
    created_by BLOB NOT NULL REFERENCES users (id),
    body_hash BLOB,
    bureau_id BLOB NOT NULL REFERENCES orgs (id),
    org_id BLOB NOT NULL REFERENCES orgs (id),
    hazard_id BLOB NOT NULL REFERENCES hazards (id),
    serial INTEGER NOT NULL,
    reason TEXT NOT NULL,
    interim_controls TEXT NOT NULL,
    due_at INTEGER NOT NULL,
    due_before INTEGER NOT NULL,
    status TEXT NOT NULL,
    decide_by INTEGER NOT NULL,
    decided_by BLOB REFERENCES users (id),
    decided_at INTEGER,
    opinion TEXT,
    CONSTRAINT hazard_extensions_serial_key UNIQUE (hazard_id, serial)
) STRICT;
CREATE INDEX hazard_extensions_by_hazard ON hazard_extensions (hazard_id, created_at, id);

-- Supervised listing of a major (挂牌督办); at most one of a hazard stands at a time.
CREATE TABLE hazard_listings (
    id BLOB NOT NULL PRIMARY KEY,
    version INTEGER NOT NULL,
    created_at INTEGER NOT NULL,
    updated_at INTEGER NOT NULL,
    created_by BLOB NOT NULL REFERENCES users (id),
    body_hash BLOB,
    bureau_id BLOB NOT NULL REFERENCES orgs (id),
    org_id BLOB NOT NULL REFERENCES orgs (id),
    hazard_id BLOB NOT NULL REFERENCES hazards (id),
    authority TEXT NOT NULL,
    number TEXT NOT NULL,
    demand TEXT NOT NULL,
    listed_at INTEGER NOT NULL,
    delisted_at INTEGER,
    delisted_by BLOB REFERENCES users (id),
    opinion TEXT,
    CONSTRAINT hazard_listings_number_key UNIQUE (bureau_id, number)
) STRICT;
CREATE INDEX hazard_listings_by_hazard ON hazard_listings (hazard_id, created_at, id);

-- Progress of a major, at least each quarter.
CREATE TABLE hazard_progress_reports (
    id BLOB NOT NULL PRIMARY KEY,
    version INTEGER NOT NULL,
    created_at INTEGER NOT NULL,
    updated_at INTEGER NOT NULL,
    created_by BLOB NOT NULL REFERENCES users (id),
    body_hash BLOB,
    bureau_id BLOB NOT NULL REFERENCES orgs (id),
    org_id BLOB NOT NULL REFERENCES orgs (id),
    hazard_id BLOB NOT NULL REFERENCES hazards (id),
    listing_id BLOB REFERENCES hazard_listings (id),
    progress TEXT NOT NULL,
    percent INTEGER NOT NULL,
    difficulties TEXT,
    evidence_ids TEXT NOT NULL
) STRICT;
CREATE INDEX hazard_progress_reports_by_hazard ON hazard_progress_reports (hazard_id, created_at, id);

-- Stop of use (停用); independent of the hazard's state.
CREATE TABLE hazard_suspensions (
    id BLOB NOT NULL PRIMARY KEY,
    version INTEGER NOT NULL,
    created_at INTEGER NOT NULL,
    updated_at INTEGER NOT NULL,
    created_by BLOB NOT NULL REFERENCES users (id),
    body_hash BLOB,
    bureau_id BLOB NOT NULL REFERENCES orgs (id),
    org_id BLOB NOT NULL REFERENCES orgs (id),
    hazard_id BLOB NOT NULL REFERENCES hazards (id),
    scope TEXT NOT NULL,
    reason TEXT NOT NULL,
    since INTEGER NOT NULL,
    lifted_at INTEGER,
    lifted_by BLOB REFERENCES users (id),
    opinion TEXT
) STRICT;
CREATE INDEX hazard_suspensions_by_hazard ON hazard_suspensions (hazard_id, created_at, id);

-- Referral to another authority (抄告/移送), with its reply.
CREATE TABLE hazard_referrals (
    id BLOB NOT NULL PRIMARY KEY,
    version INTEGER NOT NULL,
    created_at INTEGER NOT NULL,
    updated_at INTEGER NOT NULL,
    created_by BLOB NOT NULL REFERENCES users (id),
    body_hash BLOB,
    bureau_id BLOB NOT NULL REFERENCES orgs (id),
    org_id BLOB NOT NULL REFERENCES orgs (id),
    hazard_id BLOB NOT NULL REFERENCES hazards (id),
    authority TEXT NOT NULL,
    authority_name TEXT NOT NULL,
    matter TEXT NOT NULL,
    referred_at INTEGER NOT NULL,
    reply_due_at INTEGER NOT NULL,
    replied_at INTEGER,
    reply TEXT,
    reply_recorded_by BLOB REFERENCES users (id)
) STRICT;
CREATE INDEX hazard_referrals_by_hazard ON hazard_referrals (hazard_id, created_at, id);

-- Who rechecked or returned before keeps sight.
INSERT INTO hazard_people (hazard_id, user_id, part)
SELECT DISTINCT hazard_id, rechecked_by, 'rechecker' FROM hazard_rounds WHERE rechecked_by IS NOT NULL;
