CREATE TABLE datasets;
