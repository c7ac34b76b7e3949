DROP TABLE answers;
DROP TABLE inspection_team;
DROP TABLE inspection_checklists;
DROP TABLE inspections;
