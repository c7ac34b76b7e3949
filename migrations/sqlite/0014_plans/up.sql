-- Plans: which schools are inspected by whom, once within a period (campaigns) or again and again.

-- org_id is who keeps the plan: the bureau, or a school for its own patrols and self-checks. asked holds the schools and
-- people as they were named, from which a draft is made anew when it is changed.
CREATE TABLE plans (
    id BLOB NOT NULL PRIMARY KEY,
    version INTEGER NOT NULL,
    created_at INTEGER NOT NULL,
    updated_at INTEGER NOT NULL,
    created_by BLOB NOT NULL REFERENCES users (id),
    body_hash BLOB,
    bureau_id BLOB NOT NULL REFERENCES orgs (id),
    org_id BLOB NOT NULL REFERENCES orgs (id),
    title TEXT NOT NULL,
    kind TEXT NOT NULL,
    announced INTEGER NOT NULL,
    campaign INTEGER NOT NULL,
    recurring INTEGER NOT NULL,
    status TEXT NOT NULL,
    checklist_ids TEXT NOT NULL,
    asked TEXT NOT NULL,
    from_on TEXT NOT NULL,
    to_on TEXT,
    activated_at INTEGER,
    activated_by BLOB REFERENCES users (id),
    ended_at INTEGER,
    ended_by BLOB REFERENCES users (id),
    end_reason TEXT
) STRICT;
CREATE INDEX plans_by_bureau ON plans (bureau_id, created_at, id);
CREATE INDEX plans_by_org ON plans (org_id, created_at, id);
CREATE INDEX plans_by_status ON plans (status, recurring, id);

CREATE TABLE plan_schools (
    plan_id BLOB NOT NULL REFERENCES plans (id),
    org_id BLOB NOT NULL REFERENCES orgs (id),
    bureau_id BLOB NOT NULL REFERENCES orgs (id),
    position INTEGER NOT NULL,
    team TEXT NOT NULL,
    PRIMARY KEY (plan_id, org_id)
) STRICT;
CREATE INDEX plan_schools_by_org ON plan_schools (org_id, plan_id);

-- The domains of all items of the plan's checklists: who is narrowed to domains sees a plan by them.
CREATE TABLE plan_domains (
    plan_id BLOB NOT NULL REFERENCES plans (id),
    domain TEXT NOT NULL,
    PRIMARY KEY (plan_id, domain)
) STRICT;

-- How often, each from a day on; what lay before another schedule began stays as it was.
CREATE TABLE plan_schedules (
    plan_id BLOB NOT NULL REFERENCES plans (id),
    from_on TEXT NOT NULL,
    recurrence TEXT NOT NULL,
    PRIMARY KEY (plan_id, from_on)
) STRICT;

CREATE TABLE plan_pauses (
    plan_id BLOB NOT NULL REFERENCES plans (id),
    from_at INTEGER NOT NULL,
    to_at INTEGER,
    reason TEXT NOT NULL,
    resume_reason TEXT,
    PRIMARY KEY (plan_id, from_at)
) STRICT;

-- One row for each school and occurrence that has an inspection, or could not have one (failure says why). The key is
-- what makes an inspection once, however often and on however many nodes the timer runs.
CREATE TABLE plan_inspections (
    plan_id BLOB NOT NULL REFERENCES plans (id),
    org_id BLOB NOT NULL REFERENCES orgs (id),
    occurrence_on TEXT NOT NULL,
    created_at INTEGER NOT NULL,
    inspection_id BLOB REFERENCES inspections (id),
    failure TEXT,
    PRIMARY KEY (plan_id, org_id, occurrence_on)
) STRICT;
