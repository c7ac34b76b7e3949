-- Files that arrive in pieces (tus 1.0). The pieces lie in a folder; received is how far they are known to be durable.
-- A row goes when its upload is closed or has expired: it is a means of transport, not a record.

-- evidence_id names the declared evidence; evidence is never deleted, so no reference is needed to keep it.
-- done: the content has been handed over and linked; the row stays until it expires, so that whoever lost the last
-- answer can ask.
CREATE TABLE uploads (
    id BLOB NOT NULL PRIMARY KEY,
    created_at INTEGER NOT NULL,
    updated_at INTEGER NOT NULL,
    expires_at INTEGER NOT NULL,
    evidence_id BLOB NOT NULL,
    user_id BLOB NOT NULL REFERENCES users (id),
    bureau_id BLOB NOT NULL REFERENCES orgs (id),
    length INTEGER NOT NULL,
    received INTEGER NOT NULL,
    done INTEGER NOT NULL,
    metadata TEXT NOT NULL,
    CONSTRAINT uploads_evidence_key UNIQUE (user_id, evidence_id),
    CONSTRAINT uploads_received_check CHECK (received >= 0 AND received <= length)
) STRICT;
CREATE INDEX uploads_expiring ON uploads (expires_at);
CREATE INDEX uploads_open ON uploads (bureau_id) WHERE NOT done;

-- What arrived of each person on a day (counted from 1970, UTC), however it came: nobody fills the store alone. Rows of
-- days that are over are removed.
CREATE TABLE arrivals (
    user_id BLOB NOT NULL REFERENCES users (id),
    day INTEGER NOT NULL,
    files INTEGER NOT NULL,
    bytes INTEGER NOT NULL,
    PRIMARY KEY (user_id, day)
) STRICT;
