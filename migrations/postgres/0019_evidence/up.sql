-- Evidence: what was declared, for what, and whether its content has arrived. Whose claims it answers is not kept here:
-- a claim is an id in an answer, a hazard or a round, and it is met by the row of that id with that very target.
CREATE TABLE evidence (
    id uuid NOT NULL PRIMARY KEY,
    version bigint NOT NULL,
    created_at timestamptz NOT NULL,
    updated_at timestamptz NOT NULL,
    created_by uuid NOT NULL REFERENCES users (id),
    bureau_id uuid NOT NULL REFERENCES orgs (id),
    org_id uuid NOT NULL REFERENCES orgs (id),
    by_school boolean NOT NULL,
    inspection_id uuid REFERENCES inspections (id),
    item_code text,
    hazard_id uuid REFERENCES hazards (id),
    round integer,
    role text,
    sha256 bytea NOT NULL,
    bytes bigint NOT NULL,
    media_type text NOT NULL,
    captured_at timestamptz,
    device_time timestamptz,
    clock_skew_s bigint,
    location jsonb,
    received_at timestamptz,
    received_by uuid REFERENCES users (id),
    content_type text,
    width integer,
    height integer,
    picture bytea,
    reuse text
);
CREATE INDEX evidence_by_inspection ON evidence (inspection_id, item_code) WHERE inspection_id IS NOT NULL;
CREATE INDEX evidence_by_hazard ON evidence (hazard_id) WHERE hazard_id IS NOT NULL;
CREATE INDEX evidence_by_content ON evidence (bureau_id, sha256);
-- The same picture in another file: the metadata taken out, say.
CREATE INDEX evidence_by_picture ON evidence (bureau_id, picture) WHERE picture IS NOT NULL;

-- What a bureau wants to come of missing photos; without a row they are only shown.
CREATE TABLE evidence_policies (
    bureau_id uuid NOT NULL PRIMARY KEY REFERENCES orgs (id),
    version bigint NOT NULL,
    created_at timestamptz NOT NULL,
    updated_at timestamptz NOT NULL,
    gaps text NOT NULL
);

-- Kept with each answer and each arrival: how many of its photos are there, and how many are missing.
ALTER TABLE answers ADD COLUMN photos_received integer NOT NULL DEFAULT 0;
ALTER TABLE answers ADD COLUMN evidence_gaps integer NOT NULL DEFAULT 0;
UPDATE answers SET evidence_gaps = jsonb_array_length(evidence_ids) + jsonb_array_length(before_evidence_ids)
    + jsonb_array_length(after_evidence_ids);
UPDATE answers SET evidence_gaps = 1
WHERE evidence_gaps = 0 AND result = 'fail' AND EXISTS (
    SELECT 1 FROM checklist_items i
    WHERE i.checklist_id = answers.checklist_id AND i.code = answers.item_code AND (i.item ->> 'photo_required') = 'true'
);
