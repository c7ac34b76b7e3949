DROP TABLE patrol_scans;
