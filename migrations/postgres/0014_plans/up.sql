-- Plans: which schools are inspected by whom, once within a period (campaigns) or again and again.

-- org_id is who keeps the plan: the bureau, or a school for its own patrols and self-checks. asked holds the schools and
-- people as they were named, from which a draft is made anew when it is changed.
CREATE TABLE plans (
    id uuid NOT NULL PRIMARY KEY,
    version bigint NOT NULL,
    created_at timestamptz NOT NULL,
    updated_at timestamptz NOT NULL,
    created_by uuid NOT NULL REFERENCES users (id),
    body_hash bytea,
    bureau_id uuid NOT NULL REFERENCES orgs (id),
    org_id uuid NOT NULL REFERENCES orgs (id),
    title text NOT NULL,
    kind text NOT NULL,
    announced boolean NOT NULL,
    campaign boolean NOT NULL,
    recurring boolean NOT NULL,
    status text NOT NULL,
    checklist_ids jsonb NOT NULL,
    asked jsonb NOT NULL,
    from_on date NOT NULL,
    to_on date,
    activated_at timestamptz,
    activated_by uuid REFERENCES users (id),
    ended_at timestamptz,
    ended_by uuid REFERENCES users (id),
    end_reason text
);
CREATE INDEX plans_by_bureau ON plans (bureau_id, created_at, id);
CREATE INDEX plans_by_org ON plans (org_id, created_at, id);
CREATE INDEX plans_by_status ON plans (status, recurring, id);

CREATE TABLE plan_schools (
    plan_id uuid NOT NULL REFERENCES plans (id),
    org_id uuid NOT NULL REFERENCES orgs (id),
    bureau_id uuid NOT NULL REFERENCES orgs (id),
    position integer NOT NULL,
    team jsonb NOT NULL,
    PRIMARY KEY (plan_id, org_id)
);
CREATE INDEX plan_schools_by_org ON plan_schools (org_id, plan_id);

-- The domains of all items of the plan's checklists: who is narrowed to domains sees a plan by them.
CREATE TABLE plan_domains (
    plan_id uuid NOT NULL REFERENCES plans (id),
    domain text NOT NULL,
    PRIMARY KEY (plan_id, domain)
);

-- How often, each from a day on; what lay before another schedule began stays as it was.
CREATE TABLE plan_schedules (
    plan_id uuid NOT NULL REFERENCES plans (id),
    from_on date NOT NULL,
    recurrence jsonb NOT NULL,
    PRIMARY KEY (plan_id, from_on)
);

CREATE TABLE plan_pauses (
    plan_id uuid NOT NULL REFERENCES plans (id),
    from_at timestamptz NOT NULL,
    to_at timestamptz,
    reason text NOT NULL,
    resume_reason text,
    PRIMARY KEY (plan_id, from_at)
);

-- One row for each school and occurrence that has an inspection, or could not have one (failure says why). The key is
-- what makes an inspection once, however often and on however many nodes the timer runs.
CREATE TABLE plan_inspections (
    plan_id uuid NOT NULL REFERENCES plans (id),
    org_id uuid NOT NULL REFERENCES orgs (id),
    occurrence_on date NOT NULL,
    created_at timestamptz NOT NULL,
    inspection_id uuid REFERENCES inspections (id),
    failure text,
    PRIMARY KEY (plan_id, org_id, occurrence_on)
);
