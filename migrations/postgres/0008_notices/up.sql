-- What people are told, once for each occasion, and who has read it; and which node does the work of a timer.
CREATE TABLE notices (
    id uuid NOT NULL PRIMARY KEY,
    version bigint NOT NULL,
    created_at timestamptz NOT NULL,
    updated_at timestamptz NOT NULL,
    bureau_id uuid REFERENCES orgs (id),
    org_id uuid REFERENCES orgs (id),
    kind text NOT NULL,
    entity text NOT NULL,
    entity_id uuid NOT NULL,
    colour text,
    due_at timestamptz,
    dedupe text NOT NULL,
    payload jsonb NOT NULL,
    CONSTRAINT notices_dedupe_key UNIQUE (dedupe)
);

-- created_at is the notice's own, so that an inbox is read from one index.
CREATE TABLE notice_recipients (
    notice_id uuid NOT NULL REFERENCES notices (id),
    user_id uuid NOT NULL REFERENCES users (id),
    created_at timestamptz NOT NULL,
    read_at timestamptz,
    PRIMARY KEY (notice_id, user_id)
);
CREATE INDEX notice_recipients_by_user ON notice_recipients (user_id, created_at, notice_id);
CREATE INDEX notice_recipients_unread ON notice_recipients (user_id, created_at, notice_id) WHERE read_at IS NULL;

-- Who does a timer's work until when. Correctness never rests on it.
CREATE TABLE leases (
    name text NOT NULL PRIMARY KEY,
    holder uuid NOT NULL,
    until timestamptz NOT NULL
);

-- What waits for another authority's reply, in the order in which the timer walks it.
CREATE INDEX hazard_referrals_unanswered ON hazard_referrals (bureau_id, created_at, id) WHERE replied_at IS NULL;
