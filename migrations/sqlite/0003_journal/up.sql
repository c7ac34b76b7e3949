-- The append-only journal, in commit order, and the answers kept for repeated requests.
CREATE TABLE events (
    seq INTEGER PRIMARY KEY AUTOINCREMENT,
    tx INTEGER NOT NULL DEFAULT 0,
    epoch INTEGER NOT NULL,
    stream TEXT NOT NULL,
    bureau_id BLOB,
    org_id BLOB,
    entity TEXT NOT NULL,
    entity_id BLOB NOT NULL,
    action TEXT NOT NULL,
    actor BLOB,
    device TEXT,
    at INTEGER NOT NULL,
    payload TEXT NOT NULL,
    content_hash BLOB NOT NULL
) STRICT;
CREATE INDEX events_by_entity ON events (entity_id, seq);
CREATE INDEX events_in_order ON events (epoch, tx, seq);

CREATE TABLE idempotency_keys (
    user_id BLOB NOT NULL REFERENCES users (id),
    method TEXT NOT NULL,
    path TEXT NOT NULL,
    key TEXT NOT NULL,
    body_hash BLOB NOT NULL,
    status INTEGER NOT NULL,
    reply TEXT NOT NULL,
    created_at INTEGER NOT NULL,
    PRIMARY KEY (user_id, method, path, key)
) STRICT;
CREATE INDEX idempotency_keys_by_age ON idempotency_keys (created_at);

-- Gap-free serial numbers, one row for each series.
CREATE TABLE serials (
    bureau_id BLOB NOT NULL REFERENCES orgs (id),
    series TEXT NOT NULL,
    year INTEGER NOT NULL,
    last INTEGER NOT NULL,
    PRIMARY KEY (bureau_id, series, year)
) STRICT;
