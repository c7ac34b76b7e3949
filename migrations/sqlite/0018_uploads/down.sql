DROP TABLE arrivals;
DROP TABLE uploads;
