-- Zero reports (零报告/月报): what a school states about a month, and until when a month may be written.

-- figures is the frozen copy of what the ledger said at submission; later changes of hazards do not reach it.
CREATE TABLE monthly_reports (
    id BLOB NOT NULL PRIMARY KEY,
    version INTEGER NOT NULL,
    created_at INTEGER NOT NULL,
    updated_at INTEGER NOT NULL,
    created_by BLOB NOT NULL REFERENCES users (id),
    body_hash BLOB,
    bureau_id BLOB NOT NULL REFERENCES orgs (id),
    org_id BLOB NOT NULL REFERENCES orgs (id),
    month TEXT NOT NULL,
    nothing_found INTEGER NOT NULL,
    note TEXT,
    stated_spent_fen INTEGER,
    spent_fen INTEGER NOT NULL,
    late INTEGER NOT NULL,
    corrected_late INTEGER NOT NULL,
    submitted_at INTEGER NOT NULL,
    submitted_by BLOB NOT NULL REFERENCES users (id),
    figures TEXT NOT NULL,
    CONSTRAINT monthly_reports_month_key UNIQUE (org_id, month)
) STRICT;
CREATE INDEX monthly_reports_by_bureau ON monthly_reports (bureau_id, created_at, id);
CREATE INDEX monthly_reports_by_org ON monthly_reports (org_id, created_at, id);
CREATE INDEX monthly_reports_by_month ON monthly_reports (bureau_id, month, created_at, id);

-- Mass general hazards entered as counts, without a row each.
CREATE TABLE aggregate_entries (
    report_id BLOB NOT NULL REFERENCES monthly_reports (id),
    bureau_id BLOB NOT NULL REFERENCES orgs (id),
    org_id BLOB NOT NULL REFERENCES orgs (id),
    month TEXT NOT NULL,
    domain TEXT NOT NULL,
    found INTEGER NOT NULL,
    rectified INTEGER NOT NULL,
    PRIMARY KEY (report_id, domain)
) STRICT;
CREATE INDEX aggregate_entries_by_bureau ON aggregate_entries (bureau_id, month);
CREATE INDEX aggregate_entries_by_org ON aggregate_entries (org_id, month);

-- A locked month of one school that the bureau has opened for a while; the journal keeps every opening.
CREATE TABLE month_unlocks (
    org_id BLOB NOT NULL REFERENCES orgs (id),
    month TEXT NOT NULL,
    version INTEGER NOT NULL,
    created_at INTEGER NOT NULL,
    updated_at INTEGER NOT NULL,
    bureau_id BLOB NOT NULL REFERENCES orgs (id),
    unlocked_by BLOB NOT NULL REFERENCES users (id),
    until_at INTEGER NOT NULL,
    reason TEXT NOT NULL,
    PRIMARY KEY (org_id, month)
) STRICT;

-- How many days after its end a month stays open in a bureau; none where there is no row.
CREATE TABLE month_policies (
    bureau_id BLOB NOT NULL REFERENCES orgs (id),
    version INTEGER NOT NULL,
    created_at INTEGER NOT NULL,
    updated_at INTEGER NOT NULL,
    grace_days INTEGER NOT NULL,
    PRIMARY KEY (bureau_id)
) STRICT;
