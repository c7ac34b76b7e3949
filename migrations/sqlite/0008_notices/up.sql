-- What people are told, once for each occasion, and who has read it; and which node does the work of a timer.
CREATE TABLE notices (
    id BLOB NOT NULL PRIMARY KEY,
    version INTEGER NOT NULL,
    created_at INTEGER NOT NULL,
    updated_at INTEGER NOT NULL,
    bureau_id BLOB REFERENCES orgs (id),
    org_id BLOB REFERENCES orgs (id),
    kind TEXT NOT NULL,
    entity TEXT NOT NULL,
    entity_id BLOB NOT NULL,
    colour TEXT,
    due_at INTEGER,
    dedupe TEXT NOT NULL,
    payload TEXT NOT NULL,
    CONSTRAINT notices_dedupe_key UNIQUE (dedupe)
) STRICT;

-- created_at is the notice's own, so that an inbox is read from one index.
CREATE TABLE notice_recipients (
    notice_id BLOB NOT NULL REFERENCES notices (id),
    user_id BLOB NOT NULL REFERENCES users (id),
    created_at INTEGER NOT NULL,
    read_at INTEGER,
    PRIMARY KEY (notice_id, user_id)
) STRICT;
CREATE INDEX notice_recipients_by_user ON notice_recipients (user_id, created_at, notice_id);
CREATE INDEX notice_recipients_unread ON notice_recipients (user_id, created_at, notice_id) WHERE read_at IS NULL;

-- Who does a timer's work until when. Correctness never rests on it.
CREATE TABLE leases (
    name TEXT NOT NULL PRIMARY KEY,
    holder BLOB NOT NULL,
    until INTEGER NOT NULL
) STRICT;

-- What waits for another authority's reply, in the order in which the timer walks it.
CREATE INDEX hazard_referrals_unanswered ON hazard_referrals (bureau_id, created_at, id) WHERE replied_at IS NULL;
