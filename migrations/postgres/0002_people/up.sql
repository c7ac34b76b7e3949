-- Users, what they are in which organisation, their sessions.
CREATE TABLE users (
    id uuid NOT NULL PRIMARY KEY,
    version bigint NOT NULL,
    created_at timestamptz NOT NULL,
    updated_at timestamptz NOT NULL,
    created_by uuid,
    body_hash bytea,
    username text NOT NULL,
    display_name text NOT NULL,
    phone text,
    password_hash text NOT NULL,
    must_change_password boolean NOT NULL,
    demo boolean NOT NULL,
    disabled_at timestamptz,
    rights_version bigint NOT NULL,
    failed_logins integer NOT NULL,
    locked_until timestamptz,
    CONSTRAINT users_username_key UNIQUE (username)
);
CREATE INDEX users_by_creation ON users (created_at, id);

CREATE TABLE memberships (
    id uuid NOT NULL PRIMARY KEY,
    created_at timestamptz NOT NULL,
    created_by uuid,
    user_id uuid NOT NULL REFERENCES users (id),
    bureau_id uuid NOT NULL REFERENCES orgs (id),
    org_id uuid NOT NULL REFERENCES orgs (id),
    role text NOT NULL,
    domains jsonb,
    valid_from timestamptz NOT NULL,
    valid_to timestamptz,
    ended_at timestamptz
);
CREATE INDEX memberships_by_user ON memberships (user_id);
CREATE INDEX memberships_by_org ON memberships (org_id, role);
CREATE INDEX memberships_by_bureau ON memberships (bureau_id, user_id);

CREATE TABLE sessions (
    id uuid NOT NULL PRIMARY KEY,
    user_id uuid NOT NULL REFERENCES users (id),
    device_id text,
    device_name text,
    created_at timestamptz NOT NULL,
    last_used_at timestamptz NOT NULL,
    expires_at timestamptz NOT NULL,
    ended_at timestamptz,
    end_reason text
);
CREATE INDEX sessions_by_user ON sessions (user_id, created_at);

-- Only hashes: a copy of the database signs nobody in.
CREATE TABLE refresh_tokens (
    hash bytea NOT NULL PRIMARY KEY,
    session_id uuid NOT NULL REFERENCES sessions (id),
    created_at timestamptz NOT NULL,
    expires_at timestamptz NOT NULL,
    spent_at timestamptz
);
CREATE INDEX refresh_tokens_by_session ON refresh_tokens (session_id);
