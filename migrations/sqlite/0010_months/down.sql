DROP TABLE month_policies;
DROP TABLE month_unlocks;
DROP TABLE aggregate_entries;
DROP TABLE monthly_reports;
