-- Evidence: what was declared, for what, and whether its content has arrived. Whose claims it answers is not kept here:
-- a claim is an id in an answer, a hazard or a round, and it is met by the row of that id with that very target.
CREATE TABLE evidence (
    id BLOB NOT NULL PRIMARY KEY,
    version INTEGER NOT NULL,
    created_at INTEGER NOT NULL,
    updated_at INTEGER NOT NULL,
    created_by BLOB NOT NULL REFERENCES users (id),
    bureau_id BLOB NOT NULL REFERENCES orgs (id),
    org_id BLOB NOT NULL REFERENCES orgs (id),
    by_school INTEGER NOT NULL,
    inspection_id BLOB REFERENCES inspections (id),
    item_code TEXT,
    hazard_id BLOB REFERENCES hazards (id),
    round INTEGER,
    role TEXT,
    sha256 BLOB NOT NULL,
    bytes INTEGER NOT NULL,
    media_type TEXT NOT NULL,
    captured_at INTEGER,
    device_time INTEGER,
    clock_skew_s INTEGER,
    location TEXT,
    received_at INTEGER,
    received_by BLOB REFERENCES users (id),
    content_type TEXT,
    width INTEGER,
    height INTEGER,
    picture BLOB,
    reuse TEXT
) STRICT;
CREATE INDEX evidence_by_inspection ON evidence (inspection_id, item_code) WHERE inspection_id IS NOT NULL;
CREATE INDEX evidence_by_hazard ON evidence (hazard_id) WHERE hazard_id IS NOT NULL;
CREATE INDEX evidence_by_content ON evidence (bureau_id, sha256);
-- The same picture in another file: the metadata taken out, say.
CREATE INDEX evidence_by_picture ON evidence (bureau_id, picture) WHERE picture IS NOT NULL;

-- What a bureau wants to come of missing photos; without a row they are only shown.
CREATE TABLE evidence_policies (
    bureau_id BLOB NOT NULL PRIMARY KEY REFERENCES orgs (id),
    version INTEGER NOT NULL,
    created_at INTEGER NOT NULL,
    updated_at INTEGER NOT NULL,
    gaps TEXT NOT NULL
) STRICT;

-- Kept with each answer and each arrival: how many of its photos are there, and how many are missing.
ALTER TABLE answers ADD COLUMN photos_received INTEGER NOT NULL DEFAULT 0;
ALTER TABLE answers ADD COLUMN evidence_gaps INTEGER NOT NULL DEFAULT 0;
UPDATE answers SET evidence_gaps = json_array_length(evidence_ids) + json_array_length(before_evidence_ids)
    + json_array_length(after_evidence_ids);
UPDATE answers SET evidence_gaps = 1
WHERE evidence_gaps = 0 AND result = 'fail' AND EXISTS (
    SELECT 1 FROM checklist_items i
    WHERE i.checklist_id = answers.checklist_id AND i.code = answers.item_code AND (i.item ->> 'photo_required') = 1
);
