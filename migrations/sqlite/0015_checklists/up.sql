-- Sections and the bands of grades of a checklist (null: the usual ones), the checklist whose items a school's own ones
-- come beside (by its lineage, so that revisions keep them), and the score that submitting freezes.
ALTER TABLE checklists ADD COLUMN sections TEXT NOT NULL DEFAULT '[]';
ALTER TABLE checklists ADD COLUMN scoring TEXT;
ALTER TABLE checklists ADD COLUMN adds_to BLOB;
CREATE UNIQUE INDEX checklists_addition_key ON checklists (org_id, adds_to, revision);
ALTER TABLE inspections ADD COLUMN score TEXT;
