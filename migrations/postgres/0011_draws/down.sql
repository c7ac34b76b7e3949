DROP TABLE draw_results;
DROP TABLE draw_commitments;
DROP TABLE draws;
DROP TABLE recusal_overrides;
DROP TABLE recusals;
