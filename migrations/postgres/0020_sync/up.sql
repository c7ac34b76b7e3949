-- Offline work: devices and what they handed in, and what readers of the journal have been shown.

-- A restore from a backup begins a new one: transactions and sequences start again, and phones must know.
CREATE TABLE journal_epochs (
    number integer NOT NULL PRIMARY KEY,
    id uuid NOT NULL,
    started_at timestamptz NOT NULL,
    reason text NOT NULL
);

CREATE TABLE sync_devices (
    id uuid NOT NULL PRIMARY KEY,
    version bigint NOT NULL,
    created_at timestamptz NOT NULL,
    updated_at timestamptz NOT NULL,
    user_id uuid NOT NULL REFERENCES users (id),
    bureau_id uuid NOT NULL REFERENCES orgs (id),
    org_id uuid NOT NULL REFERENCES orgs (id),
    device_id text NOT NULL,
    credential_hash bytea NOT NULL,
    last_seen_at timestamptz NOT NULL,
    acked_seq bigint NOT NULL,
    skew_s bigint,
    CONSTRAINT sync_devices_device_key UNIQUE (user_id, device_id)
);
CREATE INDEX sync_devices_by_bureau ON sync_devices (bureau_id, created_at, id);

-- Every operation ever handed in, with its body as it came.
CREATE TABLE sync_ops (
    id uuid NOT NULL PRIMARY KEY,
    version bigint NOT NULL,
    created_at timestamptz NOT NULL,
    updated_at timestamptz NOT NULL,
    user_id uuid NOT NULL REFERENCES users (id),
    device_id uuid NOT NULL REFERENCES sync_devices (id),
    bureau_id uuid NOT NULL REFERENCES orgs (id),
    org_id uuid NOT NULL REFERENCES orgs (id),
    inspection_id uuid,
    record_id uuid,
    op_id uuid NOT NULL,
    reused boolean NOT NULL DEFAULT false,
    seq bigint NOT NULL,
    kind text NOT NULL,
    schema_no integer NOT NULL,
    group_key text,
    body text NOT NULL,
    body_hash bytea NOT NULL,
    needs jsonb NOT NULL,
    occurred_at timestamptz,
    skew_s bigint,
    status text NOT NULL,
    result jsonb NOT NULL,
    allowed_then boolean,
    decision text,
    decided_at timestamptz,
    decided_by uuid REFERENCES users (id),
    decision_reason text
);
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
    id uuid NOT NULL PRIMARY KEY,
    user_id uuid NOT NULL REFERENCES users (id),
    epoch_id uuid NOT NULL,
    created_at timestamptz NOT NULL,
    last_mark bigint NOT NULL
);
CREATE INDEX reader_views_by_user ON reader_views (user_id, created_at, id);
CREATE TABLE reader_marks (
    view_id uuid NOT NULL REFERENCES reader_views (id) ON DELETE CASCADE,
    mark bigint NOT NULL,
    state jsonb NOT NULL,
    PRIMARY KEY (view_id, mark)
);
CREATE TABLE reader_holdings (
    view_id uuid NOT NULL REFERENCES reader_views (id) ON DELETE CASCADE,
    collection text NOT NULL,
    record_id uuid NOT NULL,
    version bigint NOT NULL,
    told bigint NOT NULL,
    given bigint NOT NULL,
    taken bigint,
    PRIMARY KEY (view_id, collection, record_id)
);

-- At which version each field of an answer last changed, and by which device: two phones that answer the same item are
-- told apart field by field.
ALTER TABLE answers ADD COLUMN touched jsonb;
