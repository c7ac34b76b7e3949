-- Hazards, one row for ever, their rounds and comments, and the counters behind the summary report.
CREATE TABLE hazards (
    id uuid NOT NULL PRIMARY KEY,
    version bigint NOT NULL,
    created_at timestamptz NOT NULL,
    updated_at timestamptz NOT NULL,
    created_by uuid,
    body_hash bytea,
    bureau_id uuid NOT NULL REFERENCES orgs (id),
    org_id uuid NOT NULL REFERENCES orgs (id),
    site_id uuid REFERENCES sites (id),
    number text NOT NULL,
    status text NOT NULL,
    level text NOT NULL,
    proposed_level text NOT NULL,
    level_decided_by uuid REFERENCES users (id),
    category text NOT NULL,
    domain text NOT NULL,
    title text NOT NULL,
    description text NOT NULL,
    basis text,
    requirement text,
    source text NOT NULL,
    escalate boolean NOT NULL,
    found_at timestamptz NOT NULL,
    registered_at timestamptz NOT NULL,
    reported_by uuid NOT NULL REFERENCES users (id),
    inspection_id uuid REFERENCES inspections (id),
    item_code text,
    evidence_ids jsonb NOT NULL,
    responsible_org_id uuid NOT NULL REFERENCES orgs (id),
    responsible_user_id uuid REFERENCES users (id),
    leader_user_id uuid REFERENCES users (id),
    lead_section text,
    remedy text,
    bureau_side boolean NOT NULL,
    issued_at timestamptz,
    issued_by uuid REFERENCES users (id),
    acknowledged_at timestamptz,
    acknowledged_by uuid REFERENCES users (id),
    due_at timestamptz,
    due_on date,
    original_due_at timestamptz,
    plan_due_at timestamptz,
    policy_id uuid REFERENCES deadline_policies (id),
    calendar_provisional boolean NOT NULL,
    plan jsonb,
    plan_filed_at timestamptz,
    round integer NOT NULL,
    returns integer NOT NULL,
    submissions integer NOT NULL,
    rectifiers jsonb NOT NULL,
    reported_done_at timestamptz,
    reported_done_by uuid REFERENCES users (id),
    recheck_due_at timestamptz,
    recheckers jsonb NOT NULL,
    passed_at timestamptz,
    approved_by uuid REFERENCES users (id),
    closed_at timestamptz,
    closed_by uuid REFERENCES users (id),
    closed_kind text,
    void_reason text,
    reopened integer NOT NULL,
    recurrence_of uuid REFERENCES hazards (id),
    CONSTRAINT hazards_number_key UNIQUE (bureau_id, number)
);
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
    hazard_id uuid NOT NULL REFERENCES hazards (id),
    round integer NOT NULL,
    due_at timestamptz,
    measures_taken text,
    cost_fen bigint,
    evidence_ids jsonb NOT NULL,
    signed_off_by uuid REFERENCES users (id),
    reported_by uuid REFERENCES users (id),
    reported_at timestamptz,
    outcome text,
    opinion text,
    recheckers jsonb NOT NULL,
    on_site boolean,
    recheck_evidence_ids jsonb NOT NULL,
    rechecked_by uuid REFERENCES users (id),
    rechecked_at timestamptz,
    approval_opinion text,
    approved_by uuid REFERENCES users (id),
    approved_at timestamptz,
    PRIMARY KEY (hazard_id, round)
);

CREATE TABLE comments (
    id uuid NOT NULL PRIMARY KEY,
    version bigint NOT NULL,
    created_at timestamptz NOT NULL,
    updated_at timestamptz NOT NULL,
    created_by uuid NOT NULL REFERENCES users (id),
    body_hash bytea,
    hazard_id uuid NOT NULL REFERENCES hazards (id),
    text text NOT NULL
);
CREATE INDEX comments_by_hazard ON comments (hazard_id, created_at, id);

-- Kept in the transaction of every change of a hazard. scope_id is the school or the bureau; in rows of rollup
-- 'all' category, domain and level are empty. due_month is the local month of the deadline, empty without one.
CREATE TABLE hazard_counters (
    bureau_id uuid NOT NULL REFERENCES orgs (id),
    scope_id uuid NOT NULL REFERENCES orgs (id),
    rollup text NOT NULL,
    month text NOT NULL,
    due_month text NOT NULL,
    category text NOT NULL,
    domain text NOT NULL,
    level text NOT NULL,
    found bigint NOT NULL,
    closed bigint NOT NULL,
    on_spot bigint NOT NULL,
    self_found bigint NOT NULL,
    on_time bigint NOT NULL,
    original_on_time bigint NOT NULL,
    submissions bigint NOT NULL,
    returns bigint NOT NULL,
    duration_s bigint NOT NULL,
    PRIMARY KEY (scope_id, rollup, month, due_month, category, domain, level)
);
CREATE INDEX hazard_counters_by_bureau ON hazard_counters (bureau_id, rollup, month);
