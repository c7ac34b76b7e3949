-- Offline work: devices and what they handed in, and what readers of the journal have been shown.

-- A restore from a backup begins a new one: transactions and sequences start again, and phones must know.
CREATE TABLE journal_epochs (
    number INTEGER NOT NULL PRIMARY KEY,
    id BLOB NOT NULL,
    started_at INTEGER NOT NULL,
    reason TEXT NOT NULL
) STRICT;

CREATE TABLE sync_devices (
    id BLOB NOT NULL PRIMARY KEY,
    version INTEGER NOT NULL,
    created_at INTEGER NOT NULL,
    updated_at INTEGER NOT NULL,
    user_id BLOB NOT NULL REFERENCES users (id),
    bureau_id BLOB NOT NULL REFERENCES orgs (id),
    org_id BLOB NOT NULL REFERENCES orgs (id),
    device_id TEXT NOT NULL,
    credential_hash BLOB NOT NULL,
    last_seen_at INTEGER NOT NULL,
    acked_seq INTEGER NOT NULL,
    skew_s INTEGER,
    CONSTRAINT sync_devices_device_key UNIQUE (user_id, device_id)
) STRICT;
CREATE INDEX sync_devices_by_bureau ON sync_devices (bureau_id, created_at, id);

-- Every operation ever handed in, with its body as it came.
CREATE TABLE sync_ops (
    id BLOB NOT NULL PRIMARY KEY,
    version INTEGER NOT NULL,
    created_at INTEGER NOT NULL,
    updated_at INTEGER NOT NULL,
    user_id BLOB NOT NULL REFERENCES users (id),
    device_id BLOB NOT NULL REFERENCES sync_devices (id),
    bureau_id BLOB NOT NULL REFERENCES orgs (id),
    org_id BLOB NOT NULL REFERENCES orgs (id),
    inspection_id BLOB,
    record_id BLOB,
    op_id BLOB NOT NULL,
    reused INTEGER NOT NULL DEFAULT 0,
    seq INTEGER NOT NULL,
    kind TEXT NOT NULL,
    schema_no INTEGER NOT NULL,
    group_key TEXT,
    body TEXT NOT NULL,
    body_hash BLOB NOT NULL,
    needs TEXT NOT NULL,
    occurred_at INTEGER,
    skew_s INTEGER,
    status TEXT NOT NULL,
    result TEXT NOT NULL,
    allowed_then INTEGER,
    decision TEXT,
    decided_at INTEGER,
    decided_by BLOB REFERENCES users (id),
    decision_reason TEXT
) STRICT;
-- One first body for each operation of a person; another body under the same id is kept beside it.
CREATE UNIQUE INDEX sync_ops_op_key ON sync_ops (user_id, op_id) WHERE reused = false;
CREATE INDEX sync_ops_by_op ON sync_ops (user_id, op_id);
CREATE INDEX sync_ops_by_device ON sync_ops (device_id, seq);
CREATE INDEX sync_ops_held ON sync_ops (device_id, seq) WHERE status = 'held';
CREATE INDEX sync_ops_by_bureau ON sync_ops (bureau_id, status, created_at, id);
CREATE INDEX sync_ops_by_inspection ON sync_ops (inspection_id) WHERE inspection_id IS NOT NULL;

-- What a reader of the journal has been shown, so that it can be told what it no longer sees. Each answer is a mark; a row
-- is held at a mark when it was given at or before it and not taken back.
CREATE TABLE reader_views (
    id BLOB NOT NULL PRIMARY KEY,
    user_id BLOB NOT NULL REFERENCES users (id),
    epoch_id BLOB NOT NULL,
    created_at INTEGER NOT NULL,
    last_mark INTEGER NOT NULL
) STRICT;
CREATE INDEX reader_views_by_user ON reader_views (user_id, created_at, id);
CREATE TABLE reader_marks (
    view_id BLOB NOT NULL REFERENCES reader_views (id) ON DELETE CASCADE,
    mark INTEGER NOT NULL,
    state TEXT NOT NULL,
    PRIMARY KEY (view_id, mark)
) STRICT;
CREATE TABLE reader_holdings (
    view_id BLOB NOT NULL REFERENCES reader_views (id) ON DELETE CASCADE,
    collection TEXT NOT NULL,
    record_id BLOB NOT NULL,
    version INTEGER NOT NULL,
    told INTEGER NOT NULL,
    given INTEGER NOT NULL,
    taken INTEGER,
    PRIMARY KEY (view_id, collection, record_id)
) STRICT;

-- At which version each field of an answer last changed, and by which device: two phones that answer the same item are
-- told apart field by field.
ALTER TABLE answers ADD COLUMN touched TEXT;
