DROP INDEX hazard_referrals_unanswered;
DROP TABLE leases;
DROP TABLE notice_recipients;
DROP TABLE notices;
