DROP INDEX hazards_by_closing;
DROP TABLE look_back_hazards;
DROP TABLE look_backs;
DROP TABLE look_back_policies;
