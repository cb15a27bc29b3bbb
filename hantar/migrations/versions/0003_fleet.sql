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
--
-- stage: the state, but one word for all of claimed, sent, delivered and read. Indexes know this alone: an answer or a receipt
-- changes no indexed value, so its new row version needs no entry in any index (a HOT update: a third of the cost, measured),
-- where its page has room, so pages begin half empty.
-- closed_at: for the same reason the end of those alone that did not go out
ALTER TABLE messages
  ADD COLUMN stage text GENERATED ALWAYS AS
    (CASE WHEN state IN ('claimed', 'sent', 'delivered', 'read') THEN 'out' ELSE state END) STORED,
  ADD COLUMN closed_at timestamptz GENERATED ALWAYS AS
    (CASE WHEN state IN ('failed', 'cancelled', 'suppressed', 'expired') THEN ended_at END) STORED;
--;;
ALTER TABLE messages SET (fillfactor = 50);
--;;
DROP INDEX messages_queued;
--;;
CREATE INDEX messages_queued ON messages (workspace_id, device_id, source_id, not_before, id) WHERE stage = 'queued';
--;;
CREATE INDEX messages_single ON messages (workspace_id, device_id, priority, not_before, id) WHERE stage = 'queued' AND priority <= 1;
--;;
DROP INDEX messages_claimed;
--;;
DROP INDEX messages_sent;
--;;
-- a device's attempts: what is on its way is among the newest, and the figures of today are the end of it
CREATE INDEX messages_attempted ON messages (workspace_id, device_id, claimed_at) WHERE claimed_at IS NOT NULL;
--;;
DROP INDEX messages_failed;
--;;
CREATE INDEX messages_failed ON messages (workspace_id, device_id, closed_at) WHERE stage = 'failed';
--;;
DROP INDEX messages_person_open;
--;;
CREATE INDEX messages_person_open ON messages (workspace_id, person_id) WHERE stage IN ('planned', 'held', 'queued');
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
    OR OLD.state = 'failed' AND NEW.state IN ('planned', 'queued', 'delivered', 'read')))
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
  WHERE stage = 'planned' AND waiting_for IS DISTINCT FROM 'canary';
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
CREATE INDEX messages_unknown ON messages (workspace_id, source_id) WHERE stage = 'unknown';
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
CREATE INDEX messages_skipped ON messages (workspace_id, closed_at) WHERE stage IN ('cancelled', 'suppressed', 'expired');
--;;
-- looks go shard by shard
CREATE INDEX lanes_shard ON lanes (shard);
--;;
-- ---------------------------------------------------------------- what messages point at (docs/decisions/0009-keys-by-sets.md)
-- A foreign key is asked row by row: a third of what a campaign's recipients cost. The same promise by the set: who writes messages
-- locks the rows they point at (FOR KEY SHARE, as a foreign key does) and counts them; who deletes such a row has it locked before
-- the messages are asked. So of two that meet, the second waits for the first and sees what it did.
ALTER TABLE messages
  DROP CONSTRAINT messages_workspace_id_person_id_fkey, DROP CONSTRAINT messages_workspace_id_lead_id_fkey,
  DROP CONSTRAINT messages_workspace_id_device_id_fkey, DROP CONSTRAINT messages_workspace_id_content_id_fkey;
--;;
-- who writes a chat holds its device and its person already: the claim, what came in, a merge (a test names them all)
ALTER TABLE chats DROP CONSTRAINT chats_workspace_id_device_id_fkey, DROP CONSTRAINT chats_workspace_id_person_id_fkey;
--;;
-- the column is there so that the row may be locked; a guard keeps contents from changing
GRANT UPDATE (created_at) ON leads, contents TO hantar_engine;
--;;
-- by keys, whatever the statistics say: a plan kept from an empty table would read the full one for each row
CREATE FUNCTION refer_messages() RETURNS trigger LANGUAGE plpgsql
  SET enable_seqscan = off SET enable_hashjoin = off SET enable_mergejoin = off AS $$
DECLARE written bigint; with_lead bigint; missing text;
BEGIN
  SELECT count(*), count(lead_id) INTO written, with_lead FROM fresh;
  SELECT CASE
    WHEN written > (SELECT count(*) FROM (
      SELECT 1 FROM fresh f JOIN persons p ON (p.workspace_id, p.id) = (f.workspace_id, f.person_id) FOR KEY SHARE OF p) held)
      THEN 'person'
    WHEN with_lead > 0 AND with_lead > (SELECT count(*) FROM (
      SELECT 1 FROM fresh f JOIN leads l ON (l.workspace_id, l.id) = (f.workspace_id, f.lead_id) FOR KEY SHARE OF l) held)
      THEN 'lead'
    WHEN (SELECT count(*) > count(held.id) FROM (SELECT DISTINCT workspace_id, device_id FROM fresh) f LEFT JOIN LATERAL (
      SELECT d.id FROM devices d WHERE (d.workspace_id, d.id) = (f.workspace_id, f.device_id) FOR KEY SHARE) held ON true)
      THEN 'device'
    WHEN (SELECT count(*) > count(held.id) FROM (SELECT DISTINCT workspace_id, content_id FROM fresh) f LEFT JOIN LATERAL (
      SELECT c.id FROM contents c WHERE (c.workspace_id, c.id) = (f.workspace_id, f.content_id) FOR KEY SHARE) held ON true)
      THEN 'content'
    END INTO missing;
  IF missing IS NOT NULL THEN
    RAISE EXCEPTION 'a message names a % that is not there', missing
      USING ERRCODE = 'foreign_key_violation', CONSTRAINT = 'messages_' || missing;
  END IF;
  RETURN NULL;
END $$;
--;;
CREATE TRIGGER refer_insert AFTER INSERT ON messages REFERENCING NEW TABLE AS fresh
  FOR EACH STATEMENT EXECUTE FUNCTION refer_messages();
--;;
CREATE FUNCTION refer_message() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE missing text;
BEGIN
  PERFORM 1 FROM persons WHERE (workspace_id, id) = (NEW.workspace_id, NEW.person_id) FOR KEY SHARE;
  IF NOT FOUND THEN missing := 'person'; END IF;
  PERFORM 1 FROM devices WHERE (workspace_id, id) = (NEW.workspace_id, NEW.device_id) FOR KEY SHARE;
  IF NOT FOUND THEN missing := 'device'; END IF;
  PERFORM 1 FROM contents WHERE (workspace_id, id) = (NEW.workspace_id, NEW.content_id) FOR KEY SHARE;
  IF NOT FOUND THEN missing := 'content'; END IF;
  IF NEW.lead_id IS NOT NULL THEN
    PERFORM 1 FROM leads WHERE (workspace_id, id) = (NEW.workspace_id, NEW.lead_id) FOR KEY SHARE;
    IF NOT FOUND THEN missing := 'lead'; END IF;
  END IF;
  IF missing IS NOT NULL THEN
    RAISE EXCEPTION 'a message names a % that is not there', missing
      USING ERRCODE = 'foreign_key_violation', CONSTRAINT = 'messages_' || missing;
  END IF;
  RETURN NULL;
END $$;
--;;
CREATE TRIGGER refer_update AFTER UPDATE OF workspace_id, person_id, lead_id, device_id, content_id ON messages FOR EACH ROW
  WHEN ((OLD.workspace_id, OLD.person_id, OLD.device_id, OLD.content_id)
        IS DISTINCT FROM (NEW.workspace_id, NEW.person_id, NEW.device_id, NEW.content_id)
        OR NEW.lead_id IS DISTINCT FROM OLD.lead_id AND NEW.lead_id IS NOT NULL)
  EXECUTE FUNCTION refer_message();
--;;
-- the row is locked before a BEFORE trigger runs, and each of its questions sees the newest commit, in READ COMMITTED alone
CREATE FUNCTION leave_messages() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE still text;
BEGIN
  IF current_setting('transaction_isolation') <> 'read committed' THEN
    RAISE EXCEPTION 'what messages point at is deleted in READ COMMITTED only' USING ERRCODE = 'invalid_transaction_state';
  END IF;
  IF TG_TABLE_NAME = 'devices' THEN
    DELETE FROM messages WHERE (workspace_id, device_id) = (OLD.workspace_id, OLD.id);
    DELETE FROM chats WHERE (workspace_id, device_id) = (OLD.workspace_id, OLD.id);
  ELSIF TG_TABLE_NAME = 'leads' THEN
    UPDATE messages SET lead_id = NULL WHERE (workspace_id, lead_id) = (OLD.workspace_id, OLD.id);
  ELSIF TG_TABLE_NAME = 'persons' THEN
    PERFORM 1 FROM messages WHERE (workspace_id, person_id) = (OLD.workspace_id, OLD.id) LIMIT 1;
    IF FOUND THEN still := 'person'; END IF;
    DELETE FROM chats WHERE (workspace_id, person_id) = (OLD.workspace_id, OLD.id);
  ELSE
    PERFORM 1 FROM messages WHERE (workspace_id, content_id) = (OLD.workspace_id, OLD.id) LIMIT 1;
    IF FOUND THEN still := 'content'; END IF;
  END IF;
  IF still IS NOT NULL THEN
    RAISE EXCEPTION 'a message still names this %', still
      USING ERRCODE = 'foreign_key_violation', CONSTRAINT = 'messages_' || still;
  END IF;
  RETURN OLD;
END $$;
--;;
CREATE FUNCTION keep_id() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  RAISE EXCEPTION 'the id of a row of % never changes', TG_TABLE_NAME
    USING ERRCODE = 'foreign_key_violation', CONSTRAINT = 'id_kept';
END $$;
--;;
DO $$
DECLARE name text;
BEGIN
  FOREACH name IN ARRAY ARRAY['persons', 'leads', 'devices', 'contents'] LOOP
    EXECUTE format('CREATE TRIGGER leave_messages BEFORE DELETE ON %I FOR EACH ROW EXECUTE FUNCTION leave_messages()', name);
    EXECUTE format('CREATE TRIGGER keep_id BEFORE UPDATE OF workspace_id, id ON %I FOR EACH ROW '
                   'WHEN ((OLD.workspace_id, OLD.id) IS DISTINCT FROM (NEW.workspace_id, NEW.id)) '
                   'EXECUTE FUNCTION keep_id()', name);
  END LOOP;
END $$;
--;;
-- what is sent again goes by its device's window, and its campaign by the turns of its account; retried_at: when an ended campaign was
-- started again: it writes to nobody new
INSERT INTO message_moves VALUES ('failed', 'planned');
--;;
ALTER TABLE campaigns ADD COLUMN retried_at timestamptz;
