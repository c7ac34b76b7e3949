DROP INDEX hazards_by_recurrence;
