-- What accompanies a hazard beside its state: extensions, supervised listing, stop of use, referral; and who rechecked.

-- The standing marks of a row, so that a list shows and decides without a query per row; see hazards::status::Marks.
ALTER TABLE hazards ADD COLUMN marks jsonb NOT NULL DEFAULT '{}';
-- The earlier hazard of the same school, site and item that the server proposes as the one that came back.
ALTER TABLE hazards ADD COLUMN proposed_recurrence_of uuid;
CREATE INDEX hazards_by_item ON hazards (org_id, item_code, registered_at);

-- People who stand in a relation to a hazard that gives them sight of it: `rechecker`.
CREATE TABLE hazard_people (
    hazard_id uuid NOT NULL REFERENCES hazards (id),
    user_id uuid NOT NULL REFERENCES users (id),
    part text NOT NULL,
    PRIMARY KEY (hazard_id, user_id, part)
);
CREATE INDEX hazard_people_by_user ON hazard_people (user_id, hazard_id);

-- Requests for more time (延期). status: pending, granted, refused.
CREATE TABLE hazard_extensions (
    id uuid NOT NULL PRIMARY KEY,
    version bigint NOT NULL,
    created_at timestamptz NOT NULL,
    updated_at timestamptz NOT NULL,
    created_by uuid NOT NULL REFERENCES users (id),
    body_hash bytea,
    bureau_id uuid NOT NULL REFERENCES orgs (id),
    org_id uuid NOT NULL REFERENCES orgs (id),
    hazard_id uuid NOT NULL REFERENCES hazards (id),
    serial integer NOT NULL,
    reason text NOT NULL,
    interim_controls text NOT NULL,
    due_at timestamptz NOT NULL,
    due_before timestamptz NOT NULL,
    status text NOT NULL,
    decide_by timestamptz NOT NULL,
    decided_by uuid REFERENCES users (id),
    decided_at timestamptz,
    opinion text,
    CONSTRAINT hazard_extensions_serial_key UNIQUE (hazard_id, serial)
);
CREATE INDEX hazard_extensions_by_hazard ON hazard_extensions (hazard_id, created_at, id);

-- Supervised listing of a major (挂牌督办); at most one of a hazard stands at a time.
CREATE TABLE hazard_listings (
    id uuid NOT NULL PRIMARY KEY,
    version bigint NOT NULL,
    created_at timestamptz NOT NULL,
    updated_at timestamptz NOT NULL,
    created_by uuid NOT NULL REFERENCES users (id),
    body_hash bytea,
    bureau_id uuid NOT NULL REFERENCES orgs (id),
    org_id uuid NOT NULL REFERENCES orgs (id),
    hazard_id uuid NOT NULL REFERENCES hazards (id),
    authority text NOT NULL,
    number text NOT NULL,
    demand text NOT NULL,
    listed_at timestamptz NOT NULL,
    delisted_at timestamptz,
    delisted_by uuid REFERENCES users (id),
    opinion text,
    CONSTRAINT hazard_listings_number_key UNIQUE (bureau_id, number)
);
CREATE INDEX hazard_listings_by_hazard ON hazard_listings (hazard_id, created_at, id);

-- Progress of a major, at least each quarter.
CREATE TABLE hazard_progress_reports (
    id uuid NOT NULL PRIMARY KEY,
    version bigint NOT NULL,
    created_at timestamptz NOT NULL,
    updated_at timestamptz NOT NULL,
    created_by uuid NOT NULL REFERENCES users (id),
    body_hash bytea,
    bureau_id uuid NOT NULL REFERENCES orgs (id),
    org_id uuid NOT NULL REFERENCES orgs (id),
    hazard_id uuid NOT NULL REFERENCES hazards (id),
    listing_id uuid REFERENCES hazard_listings (id),
    progress text NOT NULL,
    percent integer NOT NULL,
    difficulties text,
    evidence_ids jsonb NOT NULL
);
CREATE INDEX hazard_progress_reports_by_hazard ON hazard_progress_reports (hazard_id, created_at, id);

-- Stop of use (停用); independent of the hazard's state.
CREATE TABLE hazard_suspensions (
    id uuid NOT NULL PRIMARY KEY,
    version bigint NOT NULL,
    created_at timestamptz NOT NULL,
    updated_at timestamptz NOT NULL,
    created_by uuid NOT NULL REFERENCES users (id),
    body_hash bytea,
    bureau_id uuid NOT NULL REFERENCES orgs (id),
    org_id uuid NOT NULL REFERENCES orgs (id),
    hazard_id uuid NOT NULL REFERENCES hazards (id),
    scope text NOT NULL,
    reason text NOT NULL,
    since timestamptz NOT NULL,
    lifted_at timestamptz,
    lifted_by uuid REFERENCES users (id),
    opinion text
);
CREATE INDEX hazard_suspensions_by_hazard ON hazard_suspensions (hazard_id, created_at, id);

-- Referral to another authority (抄告/移送), with its reply.
CREATE TABLE hazard_referrals (
    id uuid NOT NULL PRIMARY KEY,
    version bigint NOT NULL,
    created_at timestamptz NOT NULL,
    updated_at timestamptz NOT NULL,
    created_by uuid NOT NULL REFERENCES users (id),
    body_hash bytea,
    bureau_id uuid NOT NULL REFERENCES orgs (id),
    org_id uuid NOT NULL REFERENCES orgs (id),
    hazard_id uuid NOT NULL REFERENCES hazards (id),
    authority text NOT NULL,
    authority_name text NOT NULL,
    matter text NOT NULL,
    referred_at timestamptz NOT NULL,
    reply_due_at timestamptz NOT NULL,
    replied_at timestamptz,
    reply text,
    reply_recorded_by uuid REFERENCES users (id)
);
CREATE INDEX hazard_referrals_by_hazard ON hazard_referrals (hazard_id, created_at, id);

-- Who rechecked or returned before keeps sight.
INSERT INTO hazard_people (hazard_id, user_id, part)
SELECT DISTINCT hazard_id, rechecked_by, 'rechecker' FROM hazard_rounds WHERE rechecked_by IS NOT NULL;
