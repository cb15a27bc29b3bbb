-- Responsible sending. Everything hangs on the person, never on a lead.
-- ---------------------------------------------------------------- installation
-- HMAC of a fixed text under the key that opt-outs are stored with: a server with another key refuses to start
ALTER TABLE installation ADD COLUMN key_check bytea;
--;;
-- ---------------------------------------------------------------- persons
-- phone: the identity key of the number (kit/phone.canonical); NULL when we know an opaque id alone, or after erasure
ALTER TABLE persons ALTER COLUMN phone DROP NOT NULL;
--;;
-- zones: every time zone the number may be in (IANA); empty when unknown. is_demo: made up by the demo, which may take it away
ALTER TABLE persons ADD COLUMN zones text[] NOT NULL DEFAULT '{}', ADD COLUMN erased_at timestamptz,
  ADD COLUMN is_demo boolean NOT NULL DEFAULT false;
--;;
-- One row for each way the service may name a person. key = HMAC(kind:value) under the installation's key.
CREATE TABLE person_aliases (
  workspace_id uuid NOT NULL,
  kind text NOT NULL CHECK (kind IN ('phone', 'lid', 'jid', 'chat')),
  value text NOT NULL,
  key bytea NOT NULL,
  person_id uuid NOT NULL,
  created_at timestamptz NOT NULL,
  PRIMARY KEY (workspace_id, kind, value),
  FOREIGN KEY (workspace_id, person_id) REFERENCES persons ON DELETE CASCADE
);
--;;
-- with the key, so that the claim looks opt-outs up without a visit to the row
CREATE INDEX person_aliases_person ON person_aliases (workspace_id, person_id) INCLUDE (key);
--;;
CREATE INDEX person_aliases_key ON person_aliases (workspace_id, key);
--;;
-- ---------------------------------------------------------------- what came in
CREATE TABLE inbound_messages (
  workspace_id uuid NOT NULL,
  id uuid NOT NULL,
  device_id uuid NOT NULL,
  person_id uuid NOT NULL,
  wire_id text NOT NULL,
  at timestamptz NOT NULL,
  received_at timestamptz NOT NULL,
  text text NOT NULL DEFAULT '',
  push_name text NOT NULL DEFAULT '',
  meaning text NOT NULL CHECK (meaning IN ('none', 'stop', 'start', 'intent', 'question')),
  keywords_version text,
  quoted_wire_id text,
  PRIMARY KEY (workspace_id, id),
  UNIQUE (workspace_id, device_id, wire_id),
  FOREIGN KEY (workspace_id, device_id) REFERENCES devices ON DELETE CASCADE,
  FOREIGN KEY (workspace_id, person_id) REFERENCES persons
);
--;;
CREATE INDEX inbound_messages_person ON inbound_messages (workspace_id, person_id, id DESC);
--;;
-- One row for each pair of device and person that ever met: who wrote first, who wrote last.
CREATE TABLE chats (
  workspace_id uuid NOT NULL,
  device_id uuid NOT NULL,
  person_id uuid NOT NULL,
  first_out_at timestamptz,
  last_out_at timestamptz,
  first_in_at timestamptz,
  last_in_at timestamptz,
  PRIMARY KEY (workspace_id, device_id, person_id),
  FOREIGN KEY (workspace_id, device_id) REFERENCES devices ON DELETE CASCADE,
  FOREIGN KEY (workspace_id, person_id) REFERENCES persons ON DELETE CASCADE
);
--;;
CREATE INDEX chats_person ON chats (workspace_id, person_id);
--;;
-- ---------------------------------------------------------------- consent
CREATE TABLE consents (
  workspace_id uuid NOT NULL,
  id uuid NOT NULL,
  person_id uuid NOT NULL,
  purpose text NOT NULL CHECK (purpose IN ('marketing', 'service')),
  channel text NOT NULL DEFAULT 'whatsapp',
  wording text NOT NULL,
  wording_version text,
  business_name text NOT NULL DEFAULT '',
  source text NOT NULL CHECK (source IN ('web_form', 'import', 'inbound', 'paper', 'api')),
  proof_media_id uuid,
  import_id uuid,
  inbound_id uuid,
  actor_id uuid,
  given_at timestamptz NOT NULL,
  expires_at timestamptz,
  withdrawn_at timestamptz,
  created_at timestamptz NOT NULL,
  PRIMARY KEY (workspace_id, id),
  FOREIGN KEY (workspace_id, person_id) REFERENCES persons,
  FOREIGN KEY (workspace_id, proof_media_id) REFERENCES media,
  FOREIGN KEY (workspace_id, import_id) REFERENCES imports ON DELETE SET NULL (import_id),
  FOREIGN KEY (workspace_id, inbound_id) REFERENCES inbound_messages ON DELETE SET NULL (inbound_id)
);
--;;
CREATE INDEX consents_person ON consents (workspace_id, person_id, purpose, given_at DESC) INCLUDE (id, withdrawn_at, expires_at);
--;;
-- an import gives each of its people one consent at most: writers hold the import's row and look here first
CREATE INDEX consents_import ON consents (workspace_id, import_id, person_id) WHERE import_id IS NOT NULL;
--;;
CREATE TABLE suppressions (
  workspace_id uuid NOT NULL REFERENCES workspaces ON DELETE CASCADE,
  id uuid NOT NULL,
  person_id uuid,
  reason text NOT NULL CHECK (reason IN ('stop', 'complaint', 'block', 'manual', 'bounce', 'legal')),
  source text NOT NULL CHECK (source IN ('keyword', 'chat', 'import', 'api', 'platform')),
  text text,
  note text,
  inbound_id uuid,
  keywords_version text,
  device_id uuid,
  campaign_id uuid,
  actor_id uuid,
  at timestamptz NOT NULL,
  released_at timestamptz,
  released_by uuid,
  release_reason text,
  release_media_id uuid,
  PRIMARY KEY (workspace_id, id),
  FOREIGN KEY (workspace_id, person_id) REFERENCES persons,
  FOREIGN KEY (workspace_id, inbound_id) REFERENCES inbound_messages ON DELETE SET NULL (inbound_id),
  FOREIGN KEY (workspace_id, device_id) REFERENCES devices ON DELETE SET NULL (device_id),
  FOREIGN KEY (workspace_id, campaign_id) REFERENCES campaigns ON DELETE SET NULL (campaign_id),
  FOREIGN KEY (workspace_id, release_media_id) REFERENCES media
);
--;;
CREATE INDEX suppressions_person ON suppressions (workspace_id, person_id, at DESC) WHERE person_id IS NOT NULL;
--;;
CREATE INDEX suppressions_campaign ON suppressions (workspace_id, campaign_id, at) WHERE campaign_id IS NOT NULL;
--;;
CREATE INDEX suppressions_device ON suppressions (workspace_id, device_id, at) WHERE device_id IS NOT NULL;
--;;
-- The keyed hashes an opt-out stands for; they stay when the person is erased, and bind whoever has such an alias later.
CREATE TABLE suppression_keys (
  workspace_id uuid NOT NULL,
  key bytea NOT NULL,
  suppression_id uuid NOT NULL,
  is_live boolean NOT NULL DEFAULT true,
  PRIMARY KEY (workspace_id, key, suppression_id),
  FOREIGN KEY (workspace_id, suppression_id) REFERENCES suppressions ON DELETE CASCADE
);
--;;
CREATE INDEX suppression_keys_live ON suppression_keys (workspace_id, key) WHERE is_live;
--;;
CREATE INDEX suppression_keys_suppression ON suppression_keys (workspace_id, suppression_id);
--;;
-- Opt-outs for the whole installation (complaint, legal): nothing but keyed hashes.
CREATE TABLE global_suppressions (
  key bytea NOT NULL,
  id uuid NOT NULL,
  reason text NOT NULL CHECK (reason IN ('complaint', 'legal')),
  at timestamptz NOT NULL,
  released_at timestamptz,
  PRIMARY KEY (key, id)
);
--;;
CREATE INDEX global_suppressions_live ON global_suppressions (key) WHERE released_at IS NULL;
--;;
CREATE TABLE holds (
  workspace_id uuid NOT NULL,
  id uuid NOT NULL,
  person_id uuid NOT NULL,
  kind text NOT NULL CHECK (kind IN ('intent', 'conversation')),
  inbound_id uuid,
  device_id uuid,
  at timestamptz NOT NULL,
  ended_at timestamptz,
  outcome text CHECK (outcome IN ('confirmed', 'released', 'answered', 'merged')),
  reason text,
  actor_id uuid,
  PRIMARY KEY (workspace_id, id),
  FOREIGN KEY (workspace_id, person_id) REFERENCES persons,
  FOREIGN KEY (workspace_id, inbound_id) REFERENCES inbound_messages ON DELETE SET NULL (inbound_id),
  FOREIGN KEY (workspace_id, device_id) REFERENCES devices ON DELETE SET NULL (device_id),
  CHECK ((ended_at IS NULL) = (outcome IS NULL))
);
--;;
CREATE INDEX holds_open ON holds (workspace_id, person_id) WHERE ended_at IS NULL;
--;;
CREATE TABLE keywords (  -- words a workspace added; ours are data in the program and cannot be removed
  workspace_id uuid NOT NULL REFERENCES workspaces ON DELETE CASCADE,
  id uuid NOT NULL,
  language text NOT NULL,
  word text NOT NULL,
  folded text NOT NULL,
  kind text NOT NULL CHECK (kind IN ('stop', 'start')),
  created_by uuid,
  created_at timestamptz NOT NULL,
  PRIMARY KEY (workspace_id, id),
  UNIQUE (workspace_id, folded)
);
--;;
CREATE TABLE erasures (  -- replayed after a restore; nothing of the person but keyed hashes
  workspace_id uuid NOT NULL REFERENCES workspaces ON DELETE CASCADE,
  id uuid NOT NULL,
  keys bytea[] NOT NULL,
  actor_id uuid,
  at timestamptz NOT NULL,
  PRIMARY KEY (workspace_id, id)
);
--;;
-- ---------------------------------------------------------------- policy
-- A workspace's own numbers, version after version: {kind: {name: value}}; the newest version counts.
-- changed: what this version changed, {kind: {name: {before, after}}}, in the words of the API.
CREATE TABLE policies (
  workspace_id uuid NOT NULL REFERENCES workspaces ON DELETE CASCADE,
  version int NOT NULL CHECK (version > 0),
  values jsonb NOT NULL,
  changed jsonb NOT NULL DEFAULT '{}',
  reason text NOT NULL,
  declaration text,
  actor_id uuid,
  actor text NOT NULL DEFAULT '',
  at timestamptz NOT NULL,
  PRIMARY KEY (workspace_id, version)
);
--;;
-- The installation's own defaults (from the environment, or set by an administrator, who wins) and the administrator's locks.
CREATE TABLE installation_policy (
  kind text NOT NULL,
  name text NOT NULL,
  value jsonb NOT NULL,
  origin text NOT NULL CHECK (origin IN ('environment', 'administrator')),
  is_locked boolean NOT NULL DEFAULT false,
  reason text,
  actor_id uuid,
  actor text,
  at timestamptz NOT NULL,
  PRIMARY KEY (kind, name, origin)
);
--;;
-- Hard limits by kind of device (responsible-sending 13): the database itself refuses a simulator's numbers on a real device.
CREATE TABLE policy_limits (
  kind text NOT NULL,
  name text NOT NULL,
  least double precision,
  most double precision,
  PRIMARY KEY (kind, name)
);
--;;
INSERT INTO policy_limits VALUES
  ('linked', 'device_gap', 3, NULL), ('linked', 'device_per_minute', 1, 20), ('linked', 'device_per_hour', 1, 500),
  ('linked', 'device_per_day', 1, 5000), ('linked', 'device_new_chats', 0, 5000), ('linked', 'pause_cooldown', 86400, NULL),
  ('cloud', 'pause_cooldown', 86400, NULL), ('simulator', 'pause_cooldown', 60, NULL), ('demo', 'pause_cooldown', 60, NULL);
--;;
-- Refuses {kind: {name: value}} beyond a hard limit; null stands for "by age" (new chats) and for nothing else.
CREATE FUNCTION check_policy(numbers jsonb) RETURNS void LANGUAGE plpgsql SET search_path = public, pg_catalog AS $$
DECLARE bad record;
BEGIN
  SELECT l.kind, l.name, numbers -> l.kind -> l.name AS value INTO bad FROM policy_limits l
  WHERE numbers -> l.kind ? l.name AND CASE jsonb_typeof(numbers -> l.kind -> l.name)
    WHEN 'number' THEN (numbers -> l.kind ->> l.name)::float8 < coalesce(l.least, '-Infinity')
                    OR (numbers -> l.kind ->> l.name)::float8 > coalesce(l.most, 'Infinity')
    WHEN 'null' THEN l.name <> 'device_new_chats'
    ELSE true END
  LIMIT 1;
  IF FOUND THEN
    RAISE EXCEPTION '% of % is beyond the hard limit: %', bad.name, bad.kind, bad.value
      USING ERRCODE = 'check_violation', CONSTRAINT = 'policy_limit';
  END IF;
END $$;
--;;
CREATE FUNCTION guard_policy() RETURNS trigger LANGUAGE plpgsql SET search_path = public, pg_catalog AS $$
BEGIN
  PERFORM check_policy(NEW.values);
  RETURN NEW;
END $$;
--;;
CREATE FUNCTION guard_installation_policy() RETURNS trigger LANGUAGE plpgsql SET search_path = public, pg_catalog AS $$
BEGIN
  PERFORM check_policy(jsonb_build_object(NEW.kind, jsonb_build_object(NEW.name, NEW.value)));
  RETURN NEW;
END $$;
--;;
CREATE TRIGGER guard_installation_policy BEFORE INSERT OR UPDATE ON installation_policy
  FOR EACH ROW EXECUTE FUNCTION guard_installation_policy();
--;;
CREATE TRIGGER guard_policy BEFORE INSERT OR UPDATE ON policies FOR EACH ROW EXECUTE FUNCTION guard_policy();
--;;
-- ---------------------------------------------------------------- devices
UPDATE devices SET per_minute = least(per_minute, 20), per_hour = least(per_hour, 500), per_day = least(per_day, 5000)
WHERE driver = 'linked';
--;;
ALTER TABLE devices
  ADD COLUMN rules_kind text GENERATED ALWAYS AS (CASE WHEN is_demo THEN 'demo' ELSE driver END) STORED,
  ADD COLUMN linked_at timestamptz,
  ADD COLUMN probe_at timestamptz,
  ADD COLUMN pause_reason text,
  ADD COLUMN resume_after timestamptz,
  ADD COLUMN errors_in_a_row smallint NOT NULL DEFAULT 0,
  ADD CONSTRAINT demo_is_simulated CHECK (NOT is_demo OR driver = 'simulator'),
  ADD CONSTRAINT linked_within_limits CHECK (driver <> 'linked' OR (per_minute <= 20 AND per_hour <= 500 AND per_day <= 5000));
--;;
UPDATE devices SET linked_at = created_at WHERE is_linked;
--;;
-- ---------------------------------------------------------------- outbox
-- consent_id: without a foreign key, which the claim would check for every message; a consent goes only with its person's erasure,
-- and that clears it here
ALTER TABLE messages
  ADD COLUMN waiting_for text CHECK (waiting_for IN ('device_limit', 'quiet_hours', 'device_restricted', 'person_hold', 'canary', 'number_check')),
  ADD COLUMN policy_version int,
  ADD COLUMN consent_id uuid,
  ADD COLUMN is_manual boolean NOT NULL DEFAULT false,
  ADD COLUMN confirms_opted_out boolean NOT NULL DEFAULT false,
  ADD COLUMN duty text CHECK (duty IN ('optout_confirmation', 'optin_confirmation'));
--;;
-- twin: 0, or the number of a message that a merge of two entries of one person brought beside another of the same campaign and
-- step; whoever writes recipients writes 0, so a person is still in a campaign once
ALTER TABLE messages
  ADD COLUMN twin smallint NOT NULL DEFAULT 0,
  DROP CONSTRAINT messages_workspace_id_source_id_step_id_person_id_key,
  ADD CONSTRAINT messages_once UNIQUE (workspace_id, source_id, step_id, person_id, twin);
--;;
-- a content never changes; what was written to one person alone can be blanked when that person is erased
CREATE FUNCTION guard_content() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  IF NEW.text <> '' OR NEW.media_id IS NOT NULL THEN
    RAISE EXCEPTION 'a content may be blanked, not changed' USING ERRCODE = 'check_violation', CONSTRAINT = 'content_immutable';
  END IF;
  RETURN NEW;
END $$;
--;;
CREATE TRIGGER guard_content BEFORE UPDATE ON contents FOR EACH ROW EXECUTE FUNCTION guard_content();
--;;
GRANT UPDATE (text, media_id) ON contents TO hantar_app;
--;;
-- caps are counted over this, under the person's lock
CREATE INDEX messages_person ON messages (workspace_id, person_id, claimed_at) WHERE claimed_at IS NOT NULL;
--;;
CREATE INDEX messages_person_open ON messages (workspace_id, person_id) WHERE state IN ('planned', 'held', 'queued');
--;;
CREATE TABLE message_events (  -- each wait and each attempt that did not end a message, for "why?"
  workspace_id uuid NOT NULL,
  message_id uuid NOT NULL,
  id uuid NOT NULL,
  at timestamptz NOT NULL,
  kind text NOT NULL CHECK (kind IN ('wait', 'deferred', 'lost', 'rescued', 'resend')),
  cause text NOT NULL,
  until timestamptz,
  detail text,
  PRIMARY KEY (workspace_id, message_id, id),
  FOREIGN KEY (workspace_id, message_id) REFERENCES messages ON DELETE CASCADE
);
--;;
-- rules: numbers of this source that are stricter than the policy; {name: value}
ALTER TABLE sources ADD COLUMN rules jsonb NOT NULL DEFAULT '{}';
--;;
-- chats: new conversations since chats_at; refused: the service took no new conversation then, and takes none until (463)
ALTER TABLE lanes
  ADD COLUMN chats_at timestamptz NOT NULL DEFAULT 'epoch',
  ADD COLUMN chats_count int NOT NULL DEFAULT 0,
  ADD COLUMN chats_refused_at timestamptz NOT NULL DEFAULT 'epoch',
  ADD COLUMN chats_refused_until timestamptz NOT NULL DEFAULT 'epoch';
--;;
-- ---------------------------------------------------------------- campaigns
-- pause_cause: why the rules paused it; counted_from: since its last resume, older hits are settled; signals_seen: restrictions
-- of its devices that a person knew of when they started or resumed it {device: signal}
-- plan_hash: the plan it was started by; only its people are written to
ALTER TABLE campaigns
  ADD COLUMN rules jsonb NOT NULL DEFAULT '{}',
  ADD COLUMN canary int CHECK (canary > 0),
  ADD COLUMN canary_passed_at timestamptz,
  ADD COLUMN pause_cause jsonb,
  ADD COLUMN resume_after timestamptz,
  ADD COLUMN plan_hash text,
  ADD COLUMN counted_from timestamptz,
  ADD COLUMN signals_seen jsonb NOT NULL DEFAULT '{}';
--;;
-- ---------------------------------------------------------------- imports
-- consent: what was declared for the whole file; consented: consents written for it; opted_out: lines of people opted out then
ALTER TABLE imports
  ADD COLUMN consent jsonb,
  ADD COLUMN consented int NOT NULL DEFAULT 0,
  ADD COLUMN opted_out int NOT NULL DEFAULT 0;
--;;
-- whom a line of the report is about, so that it can be found when that person is merged or erased
ALTER TABLE import_rows ADD COLUMN person_id uuid;
--;;
UPDATE import_rows r SET person_id = p.id FROM persons p
WHERE p.workspace_id = r.workspace_id AND p.phone = r.cell AND r."column" = 'phone' AND r.outcome <> 'failed';
--;;
CREATE INDEX import_rows_person ON import_rows (workspace_id, person_id) WHERE person_id IS NOT NULL;
--;;
-- people: who is in it, a number for each pair of person and device; NULL for plans that cannot be started
ALTER TABLE plans ADD COLUMN people bigint[];
--;;
CREATE INDEX plans_hash ON plans (workspace_id, hash) WHERE people IS NOT NULL;
--;;
-- ---------------------------------------------------------------- audit
CREATE TABLE audit (
  workspace_id uuid NOT NULL REFERENCES workspaces,
  seq bigint NOT NULL,
  at timestamptz NOT NULL,
  actor_id uuid,
  actor text NOT NULL,
  action text NOT NULL,
  object_kind text NOT NULL,
  object_id text,
  reason text,
  before jsonb,
  after jsonb,
  address text,
  request_id text,
  prev bytea NOT NULL,
  hash bytea NOT NULL,
  PRIMARY KEY (workspace_id, seq)
);
--;;
CREATE TABLE audit_heads (
  workspace_id uuid PRIMARY KEY REFERENCES workspaces,
  seq bigint NOT NULL,
  hash bytea NOT NULL
);
--;;
CREATE FUNCTION audit_hash(entry audit) RETURNS bytea LANGUAGE sql IMMUTABLE SET search_path = public, pg_catalog AS $$
  SELECT sha256(entry.prev || convert_to(jsonb_build_array(entry.workspace_id, entry.seq,
    (extract(epoch FROM entry.at) * 1000000)::bigint, entry.actor_id, entry.actor, entry.action, entry.object_kind,
    entry.object_id, entry.reason, entry.before, entry.after, entry.address, entry.request_id)::text, 'UTF8')) $$;
--;;
-- Each entry carries the hash of the one before it; the head's row serialises writers of one workspace.
CREATE FUNCTION chain_audit() RETURNS trigger LANGUAGE plpgsql SET search_path = public AS $$
DECLARE head audit_heads;
BEGIN
  INSERT INTO audit_heads VALUES (NEW.workspace_id, 0, ''::bytea) ON CONFLICT DO NOTHING;
  SELECT * INTO head FROM audit_heads WHERE workspace_id = NEW.workspace_id FOR UPDATE;
  NEW.seq := head.seq + 1;
  NEW.prev := head.hash;
  NEW.hash := audit_hash(NEW);
  UPDATE audit_heads SET seq = NEW.seq, hash = NEW.hash WHERE workspace_id = NEW.workspace_id;
  RETURN NEW;
END $$;
--;;
CREATE TRIGGER chain_audit BEFORE INSERT ON audit FOR EACH ROW EXECUTE FUNCTION chain_audit();
--;;
CREATE FUNCTION refuse_change() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  RAISE EXCEPTION '% is append-only', TG_TABLE_NAME USING ERRCODE = 'insufficient_privilege';
END $$;
--;;
CREATE TRIGGER append_only BEFORE UPDATE OR DELETE ON audit FOR EACH ROW EXECUTE FUNCTION refuse_change();
--;;
CREATE TRIGGER append_only_whole BEFORE TRUNCATE ON audit FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();
--;;
CREATE TRIGGER append_only BEFORE UPDATE OR DELETE ON policies FOR EACH ROW EXECUTE FUNCTION refuse_change();
--;;
-- ---------------------------------------------------------------- walls and rights
DO $$
DECLARE name text;
BEGIN
  FOREACH name IN ARRAY ARRAY['person_aliases', 'inbound_messages', 'chats', 'consents', 'suppressions', 'suppression_keys',
    'holds', 'keywords', 'erasures', 'policies', 'message_events', 'audit', 'audit_heads'] LOOP
    PERFORM raise_wall(name::regclass);
  END LOOP;
  FOREACH name IN ARRAY ARRAY['person_aliases', 'inbound_messages', 'chats', 'suppression_keys', 'message_events'] LOOP
    EXECUTE format('GRANT SELECT, INSERT, UPDATE, DELETE ON %I TO hantar_app', name);
  END LOOP;
  FOREACH name IN ARRAY ARRAY['suppressions', 'holds', 'keywords', 'erasures', 'policies', 'audit'] LOOP
    EXECUTE format('GRANT SELECT, INSERT ON %I TO hantar_app', name);
  END LOOP;
  -- what the dispatcher may see, over all workspaces
  FOREACH name IN ARRAY ARRAY['person_aliases', 'inbound_messages', 'chats', 'consents', 'suppressions', 'suppression_keys',
    'holds', 'policies', 'message_events'] LOOP
    EXECUTE format('CREATE POLICY engine ON %I TO hantar_engine USING (true) WITH CHECK (true)', name);
    EXECUTE format('GRANT SELECT ON %I TO hantar_engine', name);
  END LOOP;
END $$;
--;;
-- a consent is never rewritten: it can be withdrawn, move to the person it belongs to, and go when that person is erased
GRANT SELECT, INSERT, DELETE ON consents TO hantar_app;
--;;
GRANT UPDATE (withdrawn_at, person_id, inbound_id) ON consents TO hantar_app;
--;;
GRANT UPDATE (person_id, text, note, released_at, released_by, release_reason, release_media_id) ON suppressions TO hantar_app;
--;;
GRANT UPDATE (person_id, ended_at, outcome, reason, actor_id) ON holds TO hantar_app;
--;;
-- no opt-out or hold is ever deleted, but those of people the demo made up
GRANT DELETE ON suppressions, holds TO hantar_app;
--;;
CREATE POLICY demo_alone ON suppressions AS RESTRICTIVE FOR DELETE TO hantar_app USING (EXISTS (
  SELECT 1 FROM persons p WHERE (p.workspace_id, p.id) = (suppressions.workspace_id, suppressions.person_id) AND p.is_demo));
--;;
CREATE POLICY demo_alone ON holds AS RESTRICTIVE FOR DELETE TO hantar_app USING (EXISTS (
  SELECT 1 FROM persons p WHERE (p.workspace_id, p.id) = (holds.workspace_id, holds.person_id) AND p.is_demo));
--;;
GRANT SELECT, INSERT, UPDATE ON audit_heads TO hantar_app;
--;;
GRANT SELECT, INSERT, UPDATE ON global_suppressions TO hantar_app;
--;;
GRANT SELECT ON global_suppressions, installation_policy, policy_limits TO hantar_engine;
--;;
GRANT SELECT ON installation_policy, policy_limits TO hantar_app;
--;;
GRANT SELECT ON policy_limits TO hantar_door;
--;;
GRANT SELECT, INSERT, UPDATE, DELETE ON installation_policy TO hantar_door;
--;;
GRANT INSERT, UPDATE ON chats TO hantar_engine;
--;;
GRANT INSERT ON message_events TO hantar_engine;
