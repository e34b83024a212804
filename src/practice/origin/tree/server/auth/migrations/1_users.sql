CREATE TABLE users (id text PRIMARY KEY, uuid text NOT NULL, name text NOT NULL, email text NOT NULL);
