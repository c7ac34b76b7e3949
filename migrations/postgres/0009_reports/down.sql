DROP INDEX sites_by_code;
DROP INDEX orgs_by_identifier;
DROP TABLE report_contacts;
DROP TABLE reports;
