DROP TABLE plan_inspections;
DROP TABLE plan_pauses;
DROP TABLE plan_schedules;
DROP TABLE plan_domains;
DROP TABLE plan_schools;
DROP TABLE plans;
