DROP TABLE sites;
DROP TABLE org_closure;
DROP TABLE orgs;
