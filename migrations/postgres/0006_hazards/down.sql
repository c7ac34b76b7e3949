DROP TABLE hazard_counters;
DROP TABLE comments;
DROP TABLE hazard_rounds;
DROP TABLE hazards;
