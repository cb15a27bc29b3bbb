-- ---------------------------------------------------------------- vacuum (docs/decisions/0014-what-a-claim-costs.md)
-- at PostgreSQL's own pace (2 ms) a vacuum of messages takes a core for seconds, each minute of a busy fleet, and everybody is late;
-- at 5 ms it takes twice as long and few notice
ALTER TABLE messages SET (autovacuum_vacuum_cost_delay = 5);
