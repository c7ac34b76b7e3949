ALTER TABLE inspections DROP COLUMN score;
DROP INDEX checklists_addition_key;
ALTER TABLE checklists DROP COLUMN adds_to;
ALTER TABLE checklists DROP COLUMN scoring;
ALTER TABLE checklists DROP COLUMN sections;
