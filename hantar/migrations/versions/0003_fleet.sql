-- ---------------------------------------------------------------- the engine at fleet size
-- used: how much was sent lately, by slices of time, so that limits hold in every minute, hour and day (kit/windows.py)
-- full_until: until when they hold it back, as the last claim found it, for those who look
ALTER TABLE lanes
  ADD COLUMN used bytea,
  ADD COLUMN full_until timestamptz NOT NULL DEFAULT 'epoch',
  DROP COLUMN minute_at, DROP COLUMN minute_count, DROP COLUMN hour_at, DROP COLUMN hour_count,
  DROP COLUMN day_at, DROP COLUMN day_count, DROP COLUMN chats_at, DROP COLUMN chats_count;
--;;
-- whether this person's number is on WhatsApp, and when that was last looked up
-- is_check_simulated: the simulated service said so, which means nothing for a real device; is_on_whatsapp null: it did not answer
ALTER TABLE persons
  ADD COLUMN checked_at timestamptz, ADD COLUMN is_on_whatsapp boolean, ADD COLUMN is_check_simulated boolean NOT NULL DEFAULT false;
--;;
GRANT UPDATE (checked_at, is_on_whatsapp, is_check_simulated) ON persons TO hantar_engine;
--;;
-- a source's rows of one lane stand together, so that sources take turns and a paused one is never read past; single messages
-- (answers first) have an index of their own
DROP INDEX messages_queued;
--;;
CREATE INDEX messages_queued ON messages (workspace_id, device_id, source_id, not_before, id) WHERE state = 'queued';
--;;
CREATE INDEX messages_single ON messages (workspace_id, device_id, priority, not_before, id) WHERE state = 'queued' AND priority <= 1;
--;;
-- the same moves as in message_moves, as an expression: the function is called for a wrong move alone (a test tries every pair)
DROP TRIGGER guard_insert ON messages;
--;;
CREATE TRIGGER guard_insert BEFORE INSERT ON messages FOR EACH ROW
  WHEN (NEW.state NOT IN ('planned', 'queued', 'held', 'suppressed')) EXECUTE FUNCTION guard_message_move();
--;;
DROP TRIGGER guard_update ON messages;
--;;
CREATE TRIGGER guard_update BEFORE UPDATE OF state ON messages FOR EACH ROW
  WHEN (NOT (OLD.state = NEW.state
    OR OLD.state = 'queued' AND NEW.state IN ('claimed', 'held', 'cancelled', 'suppressed', 'expired')
    OR OLD.state = 'claimed' AND NEW.state IN ('sent', 'delivered', 'read', 'failed', 'unknown', 'queued')
    OR OLD.state = 'sent' AND NEW.state IN ('delivered', 'read', 'failed')
    OR OLD.state = 'delivered' AND NEW.state = 'read'
    OR OLD.state = 'planned' AND NEW.state IN ('queued', 'held', 'cancelled', 'suppressed', 'expired')
    OR OLD.state = 'held' AND NEW.state IN ('queued', 'cancelled', 'suppressed', 'expired')
    OR OLD.state = 'unknown' AND NEW.state IN ('sent', 'delivered', 'read', 'failed', 'queued')
    OR OLD.state = 'failed' AND NEW.state IN ('queued', 'delivered', 'read')))
  EXECUTE FUNCTION guard_message_move();
--;;
-- ---------------------------------------------------------------- windows: what waits in a plan behind a lane
-- a row for each device of a source with planned messages; look_at: when to see whether its window has room (outbox/backlog.py)
CREATE TABLE backlogs (
  workspace_id uuid NOT NULL,
  source_id uuid NOT NULL,
  device_id uuid NOT NULL,
  look_at timestamptz NOT NULL,
  PRIMARY KEY (workspace_id, source_id, device_id),
  FOREIGN KEY (workspace_id, source_id) REFERENCES sources ON DELETE CASCADE,
  FOREIGN KEY (workspace_id, device_id) REFERENCES devices ON DELETE CASCADE
);
--;;
CREATE INDEX backlogs_look ON backlogs (look_at);
--;;
CREATE INDEX messages_planned ON messages (workspace_id, source_id, device_id, not_before, id)
  WHERE state = 'planned' AND waiting_for IS DISTINCT FROM 'canary';
--;;
-- ---------------------------------------------------------------- counters (docs/decisions/0007-counters.md)
-- what is true of a source is tallies plus tally_moves: each statement that moves messages appends what it changed, and a sweep
-- folds that into the tallies; so nobody waits for a counter, and the sum is exact at every moment
CREATE TABLE tallies (
  workspace_id uuid NOT NULL,
  source_id uuid NOT NULL,
  state text NOT NULL,
  n bigint NOT NULL,
  PRIMARY KEY (workspace_id, source_id, state)
) WITH (fillfactor = 50);
--;;
CREATE TABLE tally_moves (
  workspace_id uuid NOT NULL,
  source_id uuid NOT NULL,
  id bigint GENERATED ALWAYS AS IDENTITY (CACHE 50),
  state text NOT NULL,
  n bigint NOT NULL,
  PRIMARY KEY (workspace_id, source_id, id)
) WITH (autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_threshold = 20000);
--;;
CREATE FUNCTION tally_messages() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  IF TG_OP = 'UPDATE' THEN
    INSERT INTO tally_moves (workspace_id, source_id, state, n)
    SELECT workspace_id, source_id, state, sum(n) FROM (
      SELECT workspace_id, source_id, state, 1 AS n FROM fresh WHERE kind IN ('campaign', 'sequence')
      UNION ALL SELECT workspace_id, source_id, state, -1 FROM stale WHERE kind IN ('campaign', 'sequence')) moved
    GROUP BY 1, 2, 3 HAVING sum(n) <> 0;
  ELSIF TG_OP = 'INSERT' THEN
    INSERT INTO tally_moves (workspace_id, source_id, state, n)
    SELECT workspace_id, source_id, state, count(*) FROM fresh WHERE kind IN ('campaign', 'sequence') GROUP BY 1, 2, 3;
  ELSE
    INSERT INTO tally_moves (workspace_id, source_id, state, n)
    SELECT workspace_id, source_id, state, -count(*) FROM stale WHERE kind IN ('campaign', 'sequence') GROUP BY 1, 2, 3;
  END IF;
  RETURN NULL;
END $$;
--;;
CREATE TRIGGER tally_insert AFTER INSERT ON messages REFERENCING NEW TABLE AS fresh
  FOR EACH STATEMENT EXECUTE FUNCTION tally_messages();
--;;
CREATE TRIGGER tally_update AFTER UPDATE ON messages REFERENCING OLD TABLE AS stale NEW TABLE AS fresh
  FOR EACH STATEMENT EXECUTE FUNCTION tally_messages();
--;;
CREATE TRIGGER tally_delete AFTER DELETE ON messages REFERENCING OLD TABLE AS stale
  FOR EACH STATEMENT EXECUTE FUNCTION tally_messages();
--;;
-- the owner is walled too: for this one look over all workspaces the wall does not bind it
ALTER TABLE messages NO FORCE ROW LEVEL SECURITY;
--;;
INSERT INTO tallies SELECT workspace_id, source_id, state, count(*) FROM messages WHERE kind IN ('campaign', 'sequence') GROUP BY 1, 2, 3;
--;;
ALTER TABLE messages FORCE ROW LEVEL SECURITY;
--;;
-- a message's workspace is that of its device, which has a key of its own to the workspace
ALTER TABLE messages DROP CONSTRAINT messages_workspace_id_fkey;
--;;
DO $$
DECLARE name text;
BEGIN
  FOREACH name IN ARRAY ARRAY['backlogs', 'tallies', 'tally_moves'] LOOP
    PERFORM raise_wall(name::regclass);
    EXECUTE format('CREATE POLICY engine ON %I TO hantar_engine USING (true) WITH CHECK (true)', name);
    EXECUTE format('GRANT SELECT, INSERT, UPDATE, DELETE ON %I TO hantar_app, hantar_engine', name);
  END LOOP;
END $$;
--;;
-- what may have arrived: few rows, counted for metrics and shown for a person to settle
CREATE INDEX messages_unknown ON messages (workspace_id, source_id) WHERE state = 'unknown';
--;;
-- devices whose last messages failed by their own fault
CREATE INDEX devices_failing ON devices (id) WHERE errors_in_a_row > 0;
--;;
-- a message that went out under its own id is found by that; only wire ids of others' making need an index (outbox/receipts.py)
DROP INDEX messages_wire;
--;;
CREATE INDEX messages_wire ON messages (wire_id) WHERE NOT (wire_id = upper(replace(id::text, '-', '') COLLATE "C"));
--;;
-- what was skipped on a day, for the figures of today
CREATE INDEX messages_skipped ON messages (workspace_id, ended_at) WHERE state IN ('cancelled', 'suppressed', 'expired');
--;;
-- looks go shard by shard
CREATE INDEX lanes_shard ON lanes (shard);
