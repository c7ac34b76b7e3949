-- Zero reports (零报告/月报): what a school states about a month, and until when a month may be written.

-- figures is the frozen copy of what the ledger said at submission; later changes of hazards do not reach it.
CREATE TABLE monthly_reports (
    id uuid NOT NULL PRIMARY KEY,
    version bigint NOT NULL,
    created_at timestamptz NOT NULL,
    updated_at timestamptz NOT NULL,
    created_by uuid NOT NULL REFERENCES users (id),
    body_hash bytea,
    bureau_id uuid NOT NULL REFERENCES orgs (id),
    org_id uuid NOT NULL REFERENCES orgs (id),
    month text NOT NULL,
    nothing_found boolean NOT NULL,
    note text,
    stated_spent_fen bigint,
    spent_fen bigint NOT NULL,
    late boolean NOT NULL,
    corrected_late boolean NOT NULL,
    submitted_at timestamptz NOT NULL,
    submitted_by uuid NOT NULL REFERENCES users (id),
    figures jsonb NOT NULL,
    CONSTRAINT monthly_reports_month_key UNIQUE (org_id, month)
);
CREATE INDEX monthly_reports_by_bureau ON monthly_reports (bureau_id, created_at, id);
CREATE INDEX monthly_reports_by_org ON monthly_reports (org_id, created_at, id);
CREATE INDEX monthly_reports_by_month ON monthly_reports (bureau_id, month, created_at, id);

-- Mass general hazards entered as counts, without a row each.
CREATE TABLE aggregate_entries (
    report_id uuid NOT NULL REFERENCES monthly_reports (id),
    bureau_id uuid NOT NULL REFERENCES orgs (id),
    org_id uuid NOT NULL REFERENCES orgs (id),
    month text NOT NULL,
    domain text NOT NULL,
    found bigint NOT NULL,
    rectified bigint NOT NULL,
    PRIMARY KEY (report_id, domain)
);
CREATE INDEX aggregate_entries_by_bureau ON aggregate_entries (bureau_id, month);
CREATE INDEX aggregate_entries_by_org ON aggregate_entries (org_id, month);

-- A locked month of one school that the bureau has opened for a while; the journal keeps every opening.
CREATE TABLE month_unlocks (
    org_id uuid NOT NULL REFERENCES orgs (id),
    month text NOT NULL,
    version bigint NOT NULL,
    created_at timestamptz NOT NULL,
    updated_at timestamptz NOT NULL,
    bureau_id uuid NOT NULL REFERENCES orgs (id),
    unlocked_by uuid NOT NULL REFERENCES users (id),
    until_at timestamptz NOT NULL,
    reason text NOT NULL,
    PRIMARY KEY (org_id, month)
);

-- How many days after its end a month stays open in a bureau; none where there is no row.
CREATE TABLE month_policies (
    bureau_id uuid NOT NULL REFERENCES orgs (id),
    version bigint NOT NULL,
    created_at timestamptz NOT NULL,
    updated_at timestamptz NOT NULL,
    grace_days integer NOT NULL,
    PRIMARY KEY (bureau_id)
);
