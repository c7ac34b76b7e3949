-- Hazards, one row for ever, their rounds and comments, and the counters behind the summary report.
CREATE TABLE hazards (
    id BLOB NOT NULL PRIMARY KEY,
    version INTEGER NOT NULL,
    created_at INTEGER NOT NULL,
    updated_at INTEGER NOT NULL,
    created_by BLOB,
    body_hash BLOB,
    bureau_id BLOB NOT NULL REFERENCES orgs (id),
    org_id BLOB NOT NULL REFERENCES orgs (id),
    site_id BLOB REFERENCES sites (id),
    number TEXT NOT NULL,
    status TEXT NOT NULL,
    level TEXT NOT NULL,
    proposed_level TEXT NOT NULL,
    level_decided_by BLOB REFERENCES users (id),
    category TEXT NOT NULL,
    domain TEXT NOT NULL,
    title TEXT NOT NULL,
    description TEXT NOT NULL,
    basis TEXT,
    requirement TEXT,
    source TEXT NOT NULL,
    escalate INTEGER NOT NULL,
    found_at INTEGER NOT NULL,
    registered_at INTEGER NOT NULL,
    reported_by BLOB NOT NULL REFERENCES users (id),
    inspection_id BLOB REFERENCES inspections (id),
    item_code TEXT,
    evidence_ids TEXT NOT NULL,
    responsible_org_id BLOB NOT NULL REFERENCES orgs (id),
    responsible_user_id BLOB REFERENCES users (id),
    leader_user_id BLOB REFERENCES users (id),
    lead_section TEXT,
    remedy TEXT,
    bureau_side INTEGER NOT NULL,
    issued_at INTEGER,
    issued_by BLOB REFERENCES users (id),
    acknowledged_at INTEGER,
    acknowledged_by BLOB REFERENCES users (id),
    due_at INTEGER,
    due_on TEXT,
    original_due_at INTEGER,
    plan_due_at INTEGER,
    policy_id BLOB REFERENCES deadline_policies (id),
    calendar_provisional INTEGER NOT NULL,
    plan TEXT,
    plan_filed_at INTEGER,
    round INTEGER NOT NULL,
    returns INTEGER NOT NULL,
    submissions INTEGER NOT NULL,
    rectifiers TEXT NOT NULL,
    reported_done_at INTEGER,
    reported_done_by BLOB REFERENCES users (id),
    recheck_due_at INTEGER,
    recheckers TEXT NOT NULL,
    passed_at INTEGER,
    approved_by BLOB REFERENCES users (id),
    closed_at INTEGER,
    closed_by BLOB REFERENCES users (id),
    closed_kind TEXT,
    void_reason TEXT,
    reopened INTEGER NOT NULL,
    recurrence_of BLOB REFERENCES hazards (id),
    CONSTRAINT hazards_number_key UNIQUE (bureau_id, number)
) STRICT;
-- The deadline rides along, so that a list filtered by it need not open rows that do not fit.
CREATE INDEX hazards_by_bureau ON hazards (bureau_id, created_at, id, due_at);
CREATE INDEX hazards_by_org ON hazards (org_id, created_at, id);
CREATE INDEX hazards_by_bureau_status ON hazards (bureau_id, status, created_at, id);
CREATE INDEX hazards_by_bureau_domain ON hazards (bureau_id, domain, created_at, id);
CREATE INDEX hazards_by_bureau_category ON hazards (bureau_id, category, created_at, id, domain);
CREATE INDEX hazards_by_bureau_level ON hazards (bureau_id, level, created_at, id);
CREATE INDEX hazards_by_bureau_source ON hazards (bureau_id, source, created_at, id);
CREATE INDEX hazards_by_inspection ON hazards (bureau_id, inspection_id, created_at, id);
CREATE INDEX hazards_by_reporter ON hazards (reported_by, created_at, id);
CREATE INDEX hazards_by_responsible ON hazards (responsible_user_id, created_at, id);
CREATE INDEX hazards_by_registration ON hazards (bureau_id, registered_at);
-- These two hold all that the summary asks of the running month's deadlines and of what is overdue. Only the summary
-- says status <> 'void': so the second is never chosen for a list, which would have to sort what it finds.
CREATE INDEX hazards_by_due_day ON hazards (
    bureau_id, due_on, due_at, registered_at, org_id, category, domain, level, status, reported_done_at, original_due_at
);
CREATE INDEX hazards_overdue ON hazards (bureau_id, due_at, registered_at, org_id, category, domain, level, status)
WHERE status <> 'void' AND status IN ('issued', 'rectifying');
CREATE INDEX hazards_by_bureau_open ON hazards (bureau_id, created_at, id, due_at) WHERE status IN ('issued', 'rectifying');

-- Each return starts a new round; every round keeps its measures, photos and opinion.
CREATE TABLE hazard_rounds (
    hazard_id BLOB NOT NULL REFERENCES hazards (id),
    round INTEGER NOT NULL,
    due_at INTEGER,
    measures_taken TEXT,
    cost_fen INTEGER,
    evidence_ids TEXT NOT NULL,
    signed_off_by BLOB REFERENCES users (id),
    reported_by BLOB REFERENCES users (id),
    reported_at INTEGER,
    outcome TEXT,
    opinion TEXT,
    recheckers TEXT NOT NULL,
    on_site INTEGER,
    recheck_evidence_ids TEXT NOT NULL,
    rechecked_by BLOB REFERENCES users (id),
    rechecked_at INTEGER,
    approval_opinion TEXT,
    approved_by BLOB REFERENCES users (id),
    approved_at INTEGER,
    PRIMARY KEY (hazard_id, round)
) STRICT;

CREATE TABLE comments (
    id BLOB NOT NULL PRIMARY KEY,
    version INTEGER NOT NULL,
    created_at INTEGER NOT NULL,
    updated_at INTEGER NOT NULL,
    created_by BLOB NOT NULL REFERENCES users (id),
    body_hash BLOB,
    hazard_id BLOB NOT NULL REFERENCES hazards (id),
    text TEXT NOT NULL
) STRICT;
CREATE INDEX comments_by_hazard ON comments (hazard_id, created_at, id);

-- Kept in the transaction of every change of a hazard. scope_id is the school or the bureau; in rows of rollup
-- 'all' category, domain and level are empty. due_month is the local month of the deadline, empty without one.
CREATE TABLE hazard_counters (
    bureau_id BLOB NOT NULL REFERENCES orgs (id),
    scope_id BLOB NOT NULL REFERENCES orgs (id),
    rollup TEXT NOT NULL,
    month TEXT NOT NULL,
    due_month TEXT NOT NULL,
    category TEXT NOT NULL,
    domain TEXT NOT NULL,
    level TEXT NOT NULL,
    found INTEGER NOT NULL,
    closed INTEGER NOT NULL,
    on_spot INTEGER NOT NULL,
    self_found INTEGER NOT NULL,
    on_time INTEGER NOT NULL,
    original_on_time INTEGER NOT NULL,
    submissions INTEGER NOT NULL,
    returns INTEGER NOT NULL,
    duration_s INTEGER NOT NULL,
    PRIMARY KEY (scope_id, rollup, month, due_month, category, domain, level)
) STRICT;
CREATE INDEX hazard_counters_by_bureau ON hazard_counters (bureau_id, rollup, month);
