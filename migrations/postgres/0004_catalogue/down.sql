DROP TABLE calendar_years;
DROP TABLE deadline_policies;
DROP TABLE checklist_items;
DROP TABLE checklists;
DROP TABLE category_overrides;
