-- Users, what they are in which organisation, their sessions.
CREATE TABLE users (
    id BLOB NOT NULL PRIMARY KEY,
    version INTEGER NOT NULL,
    created_at INTEGER NOT NULL,
    updated_at INTEGER NOT NULL,
    created_by BLOB,
    body_hash BLOB,
    username TEXT NOT NULL,
    display_name TEXT NOT NULL,
    phone TEXT,
    password_hash TEXT NOT NULL,
    must_change_password INTEGER NOT NULL,
    demo INTEGER NOT NULL,
    disabled_at INTEGER,
    rights_version INTEGER NOT NULL,
    failed_logins INTEGER NOT NULL,
    locked_until INTEGER,
    CONSTRAINT users_username_key UNIQUE (username)
) STRICT;
CREATE INDEX users_by_creation ON users (created_at, id);

CREATE TABLE memberships (
    id BLOB NOT NULL PRIMARY KEY,
    created_at INTEGER NOT NULL,
    created_by BLOB,
    user_id BLOB NOT NULL REFERENCES users (id),
    bureau_id BLOB NOT NULL REFERENCES orgs (id),
    org_id BLOB NOT NULL REFERENCES orgs (id),
    role TEXT NOT NULL,
    domains TEXT,
    valid_from INTEGER NOT NULL,
    valid_to INTEGER,
    ended_at INTEGER
) STRICT;
CREATE INDEX memberships_by_user ON memberships (user_id);
CREATE INDEX memberships_by_org ON memberships (org_id, role);
CREATE INDEX memberships_by_bureau ON memberships (bureau_id, user_id);

CREATE TABLE sessions (
    id BLOB NOT NULL PRIMARY KEY,
    user_id BLOB NOT NULL REFERENCES users (id),
    device_id TEXT,
    device_name TEXT,
    created_at INTEGER NOT NULL,
    last_used_at INTEGER NOT NULL,
    expires_at INTEGER NOT NULL,
    ended_at INTEGER,
    end_reason TEXT
) STRICT;
CREATE INDEX sessions_by_user ON sessions (user_id, created_at);

-- Only hashes: a copy of the database signs nobody in.
CREATE TABLE refresh_tokens (
    hash BLOB NOT NULL PRIMARY KEY,
    session_id BLOB NOT NULL REFERENCES sessions (id),
    created_at INTEGER NOT NULL,
    expires_at INTEGER NOT NULL,
    spent_at INTEGER
) STRICT;
CREATE INDEX refresh_tokens_by_session ON refresh_tokens (session_id);
