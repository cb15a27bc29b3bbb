-- Roles: they own nothing and cannot log in; a connection takes one of them on as it opens.
--   hantar_app     what a request may do: one workspace, held by row security
--   hantar_engine  what the dispatcher may do: few tables, all workspaces
--   hantar_door    what sign-in may do: the tables of accounts
DO $$
DECLARE name text;
BEGIN
  FOREACH name IN ARRAY ARRAY['hantar_app', 'hantar_engine', 'hantar_door'] LOOP
    IF NOT EXISTS (SELECT 1 FROM pg_roles WHERE rolname = name) THEN
      EXECUTE format('CREATE ROLE %I NOLOGIN NOSUPERUSER NOCREATEDB NOCREATEROLE NOBYPASSRLS', name);
    END IF;
    EXECUTE format('GRANT %I TO %I', name, current_user);
  END LOOP;
END $$;
--;;
REVOKE CREATE ON SCHEMA public FROM PUBLIC;
--;;
GRANT USAGE ON SCHEMA public TO hantar_app, hantar_engine, hantar_door;
--;;
CREATE FUNCTION current_workspace() RETURNS uuid LANGUAGE sql STABLE PARALLEL SAFE AS
  $$ SELECT nullif(current_setting('hantar.workspace', true), '')::uuid $$;
--;;
CREATE FUNCTION raise_wall(target regclass) RETURNS void LANGUAGE plpgsql AS $$
-- The wall between workspaces: forced row security, so that even the owner's forgotten WHERE shows nothing.
BEGIN
  EXECUTE format('ALTER TABLE %s ENABLE ROW LEVEL SECURITY', target);
  EXECUTE format('ALTER TABLE %s FORCE ROW LEVEL SECURITY', target);
  EXECUTE format('CREATE POLICY wall ON %s TO hantar_app USING (workspace_id = (SELECT current_workspace())) '
                 'WITH CHECK (workspace_id = (SELECT current_workspace()))', target);
END $$;
--;;
-- ---------------------------------------------------------------- accounts
CREATE TABLE installation (
  only_one boolean PRIMARY KEY DEFAULT true CHECK (only_one),
  setup_done_at timestamptz,
  terms_accepted_at timestamptz,
  registration text CHECK (registration IN ('open', 'invite', 'closed')),
  created_at timestamptz NOT NULL DEFAULT clock_timestamp()
);
--;;
INSERT INTO installation DEFAULT VALUES;
--;;
CREATE TABLE users (
  id uuid PRIMARY KEY,
  email text NOT NULL,
  full_name text NOT NULL,
  password_hash text NOT NULL,
  is_admin boolean NOT NULL DEFAULT false,
  is_active boolean NOT NULL DEFAULT true,
  time_zone text NOT NULL,
  theme text NOT NULL DEFAULT 'system' CHECK (theme IN ('light', 'dark', 'system')),
  language text NOT NULL DEFAULT 'en',
  password_changed_at timestamptz NOT NULL,
  created_at timestamptz NOT NULL
);
--;;
CREATE UNIQUE INDEX users_email ON users (lower(email));
--;;
CREATE TABLE workspaces (
  id uuid PRIMARY KEY,
  name text NOT NULL,
  time_zone text NOT NULL,
  default_country text,
  device_limit int NOT NULL DEFAULT 15 CHECK (device_limit >= 0),
  created_at timestamptz NOT NULL
);
--;;
CREATE TABLE members (
  workspace_id uuid NOT NULL REFERENCES workspaces ON DELETE CASCADE,
  user_id uuid NOT NULL REFERENCES users ON DELETE CASCADE,
  role text NOT NULL CHECK (role IN ('owner', 'operator', 'viewer')),
  created_at timestamptz NOT NULL,
  PRIMARY KEY (workspace_id, user_id)
);
--;;
CREATE INDEX members_user ON members (user_id);
--;;
CREATE TABLE sign_ins (
  workspace_id uuid NOT NULL,
  id uuid NOT NULL,
  user_id uuid NOT NULL,
  token_hash bytea NOT NULL,
  address text,
  agent text,
  created_at timestamptz NOT NULL,
  last_used_at timestamptz NOT NULL,
  expires_at timestamptz NOT NULL,
  PRIMARY KEY (workspace_id, id),
  FOREIGN KEY (workspace_id, user_id) REFERENCES members ON DELETE CASCADE
);
--;;
CREATE UNIQUE INDEX sign_ins_token ON sign_ins (token_hash);
--;;
CREATE TABLE api_keys (
  workspace_id uuid NOT NULL REFERENCES workspaces ON DELETE CASCADE,
  id uuid NOT NULL,
  name text NOT NULL,
  prefix text NOT NULL,
  key_hash bytea NOT NULL,
  scopes text[] NOT NULL,
  created_by uuid REFERENCES users ON DELETE SET NULL,
  created_at timestamptz NOT NULL,
  last_used_at timestamptz,
  expires_at timestamptz,
  revoked_at timestamptz,
  PRIMARY KEY (workspace_id, id)
);
--;;
CREATE UNIQUE INDEX api_keys_hash ON api_keys (key_hash);
--;;
CREATE TABLE idempotency_keys (
  workspace_id uuid NOT NULL REFERENCES workspaces ON DELETE CASCADE,
  key text NOT NULL,
  caller text NOT NULL,
  request_hash bytea NOT NULL,
  status int,
  headers jsonb,
  body bytea,
  created_at timestamptz NOT NULL,
  PRIMARY KEY (workspace_id, caller, key)
);
--;;
CREATE TABLE jobs (
  workspace_id uuid NOT NULL REFERENCES workspaces ON DELETE CASCADE,
  id uuid NOT NULL,
  kind text NOT NULL,
  status text NOT NULL DEFAULT 'queued' CHECK (status IN ('queued', 'running', 'done', 'failed', 'cancelled')),
  spec jsonb NOT NULL DEFAULT '{}',
  done bigint NOT NULL DEFAULT 0,
  total bigint,
  cursor jsonb NOT NULL DEFAULT '{}',
  result jsonb,
  error text,
  cancel_asked boolean NOT NULL DEFAULT false,
  created_by uuid REFERENCES users ON DELETE SET NULL,
  created_at timestamptz NOT NULL,
  started_at timestamptz,
  finished_at timestamptz,
  beat_at timestamptz,
  PRIMARY KEY (workspace_id, id)
);
--;;
-- ---------------------------------------------------------------- devices
CREATE TABLE devices (
  workspace_id uuid NOT NULL REFERENCES workspaces ON DELETE CASCADE,
  id uuid NOT NULL,
  name text NOT NULL,
  phone text,
  jid text,
  driver text NOT NULL,
  wanted text NOT NULL DEFAULT 'stopped' CHECK (wanted IN ('connected', 'stopped')),
  is_linked boolean NOT NULL DEFAULT false,
  state text NOT NULL DEFAULT 'new' CHECK (state IN ('new', 'pairing', 'connecting', 'online', 'offline', 'suspect',
    'restricted', 'banned_until', 'logged_out', 'replaced', 'outdated', 'refused', 'stopped')),
  state_reason text,
  state_since timestamptz NOT NULL,
  hold_until timestamptz,
  last_seen_at timestamptz,
  sending_paused boolean NOT NULL DEFAULT false,
  per_minute int NOT NULL DEFAULT 20 CHECK (per_minute BETWEEN 1 AND 6000),
  per_hour int NOT NULL DEFAULT 500 CHECK (per_hour BETWEEN 1 AND 200000),
  per_day int NOT NULL DEFAULT 5000 CHECK (per_day BETWEEN 1 AND 2000000),
  min_delay_seconds double precision NOT NULL DEFAULT 0 CHECK (min_delay_seconds >= 0),
  max_delay_seconds double precision NOT NULL DEFAULT 0 CHECK (max_delay_seconds >= min_delay_seconds),
  is_demo boolean NOT NULL DEFAULT false,
  created_at timestamptz NOT NULL,
  updated_at timestamptz NOT NULL,
  PRIMARY KEY (workspace_id, id)
);
--;;
CREATE UNIQUE INDEX devices_id ON devices (id);
--;;
CREATE TABLE device_events (
  workspace_id uuid NOT NULL,
  id uuid NOT NULL,
  device_id uuid NOT NULL,
  at timestamptz NOT NULL,
  state text NOT NULL,
  reason text,
  words text NOT NULL,
  PRIMARY KEY (workspace_id, id),
  FOREIGN KEY (workspace_id, device_id) REFERENCES devices ON DELETE CASCADE
);
--;;
CREATE INDEX device_events_device ON device_events (workspace_id, device_id, id DESC);
--;;
-- ---------------------------------------------------------------- leads
-- One person per workspace: phone is the identity key that all spellings of a number share (kit/phone.canonical).
CREATE TABLE persons (
  workspace_id uuid NOT NULL REFERENCES workspaces ON DELETE CASCADE,
  id uuid NOT NULL,
  phone text NOT NULL,
  created_at timestamptz NOT NULL,
  PRIMARY KEY (workspace_id, id),
  UNIQUE (workspace_id, phone)
);
--;;
CREATE TABLE imports (
  workspace_id uuid NOT NULL REFERENCES workspaces ON DELETE CASCADE,
  id uuid NOT NULL,
  device_id uuid,
  job_id uuid,
  file_name text NOT NULL,
  is_dry_run boolean NOT NULL,
  options jsonb NOT NULL DEFAULT '{}',
  status text NOT NULL DEFAULT 'running' CHECK (status IN ('running', 'done', 'failed', 'cancelled')),
  total int NOT NULL DEFAULT 0,
  created int NOT NULL DEFAULT 0,
  updated int NOT NULL DEFAULT 0,
  skipped int NOT NULL DEFAULT 0,
  failed int NOT NULL DEFAULT 0,
  error text,
  created_by uuid REFERENCES users ON DELETE SET NULL,
  created_at timestamptz NOT NULL,
  finished_at timestamptz,
  PRIMARY KEY (workspace_id, id),
  FOREIGN KEY (workspace_id, device_id) REFERENCES devices ON DELETE CASCADE
);
--;;
CREATE TABLE import_lines (  -- whom a running import has met, so that a person counts once; emptied when it ends
  workspace_id uuid NOT NULL,
  import_id uuid NOT NULL,
  device_id uuid NOT NULL,
  person_key text NOT NULL,
  row int NOT NULL,
  PRIMARY KEY (workspace_id, import_id, device_id, person_key),
  FOREIGN KEY (workspace_id, import_id) REFERENCES imports ON DELETE CASCADE
);
--;;
CREATE TABLE import_rows (
  workspace_id uuid NOT NULL,
  import_id uuid NOT NULL,
  row int NOT NULL,
  outcome text NOT NULL CHECK (outcome IN ('failed', 'skipped', 'updated', 'warning')),
  "column" text,
  code text NOT NULL,
  message text NOT NULL,
  cell text,
  PRIMARY KEY (workspace_id, import_id, row, code),
  FOREIGN KEY (workspace_id, import_id) REFERENCES imports ON DELETE CASCADE
);
--;;
-- array_to_string is only STABLE because some types print by setting; text does not
CREATE FUNCTION comma_list(entries text[]) RETURNS text LANGUAGE sql IMMUTABLE PARALLEL SAFE AS $$ SELECT array_to_string(entries, ',') $$;
--;;
CREATE TABLE leads (
  workspace_id uuid NOT NULL REFERENCES workspaces ON DELETE CASCADE,
  id uuid NOT NULL,
  person_id uuid NOT NULL,
  device_id uuid,
  name text NOT NULL,
  phone text NOT NULL,
  niches text[] NOT NULL DEFAULT '{}',
  niche_keys text[] NOT NULL DEFAULT '{}',
  triggers text[] NOT NULL DEFAULT '{}',
  trigger_keys text[] NOT NULL DEFAULT '{}',
  target_status text NOT NULL DEFAULT 'prospect' CHECK (target_status IN ('prospect', 'customer')),
  additional_note text,
  attributes jsonb NOT NULL DEFAULT '{}',
  time_zone text,
  source text NOT NULL DEFAULT 'form',
  import_id uuid,
  is_demo boolean NOT NULL DEFAULT false,
  created_at timestamptz NOT NULL,
  updated_at timestamptz NOT NULL,
  search text NOT NULL GENERATED ALWAYS AS (lower(name || E'\n' || phone || E'\n' || comma_list(niches))) STORED,
  PRIMARY KEY (workspace_id, id),
  UNIQUE NULLS NOT DISTINCT (workspace_id, device_id, person_id),
  FOREIGN KEY (workspace_id, person_id) REFERENCES persons,
  FOREIGN KEY (workspace_id, device_id) REFERENCES devices ON DELETE CASCADE,
  FOREIGN KEY (workspace_id, import_id) REFERENCES imports ON DELETE SET NULL (import_id)
);
--;;
CREATE INDEX leads_person ON leads (workspace_id, person_id);
--;;
CREATE INDEX leads_device ON leads (workspace_id, device_id, id);
--;;
CREATE INDEX leads_import ON leads (workspace_id, import_id, id) WHERE import_id IS NOT NULL;
--;;
-- serves the planner, which runs as hantar_engine; `@>` is not leakproof, so row security keeps it from hantar_app
CREATE INDEX leads_niches ON leads USING gin (niche_keys);
--;;
-- ---------------------------------------------------------------- media
CREATE TABLE media (
  workspace_id uuid NOT NULL REFERENCES workspaces ON DELETE CASCADE,
  id uuid NOT NULL,
  mime text NOT NULL,
  name text,
  size int NOT NULL,
  original_size int NOT NULL,
  width int,
  height int,
  sha256 bytea NOT NULL,
  bytes bytea NOT NULL,
  created_by uuid REFERENCES users ON DELETE SET NULL,
  created_at timestamptz NOT NULL,
  PRIMARY KEY (workspace_id, id)
);
--;;
CREATE INDEX media_sha256 ON media (workspace_id, sha256);
--;;
-- ---------------------------------------------------------------- outbox
CREATE TABLE leases (
  shard smallint PRIMARY KEY,
  node uuid,
  token bigint NOT NULL DEFAULT 0,
  expires_at timestamptz NOT NULL DEFAULT 'epoch'
);
--;;
INSERT INTO leases (shard) SELECT generate_series(0, 63);
--;;
CREATE TABLE contents (
  workspace_id uuid NOT NULL REFERENCES workspaces ON DELETE CASCADE,
  id uuid NOT NULL,
  kind text NOT NULL CHECK (kind IN ('text', 'image')),
  text text NOT NULL DEFAULT '',
  media_id uuid,
  created_at timestamptz NOT NULL,
  PRIMARY KEY (workspace_id, id),
  FOREIGN KEY (workspace_id, media_id) REFERENCES media
);
--;;
CREATE TABLE sources (
  workspace_id uuid NOT NULL REFERENCES workspaces ON DELETE CASCADE,
  id uuid NOT NULL,
  kind text NOT NULL CHECK (kind IN ('campaign', 'sequence')),
  is_open boolean NOT NULL DEFAULT true,
  min_delay_seconds double precision NOT NULL,
  max_delay_seconds double precision NOT NULL CHECK (max_delay_seconds >= min_delay_seconds),
  skip_offline boolean NOT NULL DEFAULT false,
  is_ended boolean NOT NULL DEFAULT false,
  PRIMARY KEY (workspace_id, id)
);
--;;
CREATE TABLE lanes (
  workspace_id uuid NOT NULL,
  device_id uuid NOT NULL,
  shard smallint NOT NULL REFERENCES leases,
  next_at timestamptz NOT NULL DEFAULT 'epoch',
  rest_until timestamptz NOT NULL DEFAULT 'epoch',
  gap_seconds double precision NOT NULL DEFAULT 0,
  minute_at timestamptz NOT NULL DEFAULT 'epoch',
  minute_count int NOT NULL DEFAULT 0,
  hour_at timestamptz NOT NULL DEFAULT 'epoch',
  hour_count int NOT NULL DEFAULT 0,
  day_at timestamptz NOT NULL DEFAULT 'epoch',
  day_count int NOT NULL DEFAULT 0,
  PRIMARY KEY (workspace_id, device_id),
  FOREIGN KEY (workspace_id, device_id) REFERENCES devices ON DELETE CASCADE
) WITH (fillfactor = 50);
--;;
CREATE TABLE messages (
  workspace_id uuid NOT NULL REFERENCES workspaces ON DELETE CASCADE,
  id uuid NOT NULL,
  kind text NOT NULL CHECK (kind IN ('direct', 'campaign', 'sequence', 'auto_reply', 'test')),
  source_id uuid NOT NULL,
  step_id uuid NOT NULL DEFAULT '00000000-0000-0000-0000-000000000000',
  person_id uuid NOT NULL,
  lead_id uuid,
  device_id uuid NOT NULL,
  content_id uuid NOT NULL,
  name text NOT NULL DEFAULT '',
  phone text NOT NULL,
  state text NOT NULL CHECK (state IN ('planned', 'held', 'queued', 'claimed', 'sent', 'delivered', 'read', 'failed',
    'cancelled', 'suppressed', 'expired', 'unknown')),
  reason text,
  hold_reason text,
  error text,
  attempts smallint NOT NULL DEFAULT 0,
  deferrals smallint NOT NULL DEFAULT 0,
  priority smallint NOT NULL,
  not_before timestamptz NOT NULL,
  expires_at timestamptz NOT NULL,
  wire_id text,
  token bigint,
  text text,
  client_ref text,
  claimed_at timestamptz,
  sent_at timestamptz,
  delivered_at timestamptz,
  read_at timestamptz,
  ended_at timestamptz,
  created_by uuid,
  created_at timestamptz NOT NULL,
  PRIMARY KEY (workspace_id, id),
  UNIQUE (workspace_id, source_id, step_id, person_id),
  FOREIGN KEY (workspace_id, person_id) REFERENCES persons,
  FOREIGN KEY (workspace_id, lead_id) REFERENCES leads ON DELETE SET NULL (lead_id),
  FOREIGN KEY (workspace_id, device_id) REFERENCES devices ON DELETE CASCADE,
  FOREIGN KEY (workspace_id, content_id) REFERENCES contents
) WITH (fillfactor = 70);
--;;
CREATE INDEX messages_queued ON messages (workspace_id, device_id, priority, not_before, id) WHERE state = 'queued';
--;;
CREATE INDEX messages_claimed ON messages (workspace_id, device_id) WHERE state = 'claimed';
--;;
CREATE INDEX messages_wire ON messages (wire_id) WHERE wire_id IS NOT NULL;
--;;
CREATE INDEX messages_device ON messages (workspace_id, device_id, id DESC);
--;;
-- the figures of today on every device card
CREATE INDEX messages_sent ON messages (workspace_id, device_id, sent_at) WHERE sent_at IS NOT NULL;
--;;
CREATE INDEX messages_failed ON messages (workspace_id, device_id, ended_at) WHERE state = 'failed';
--;;
CREATE INDEX messages_lead ON messages (workspace_id, lead_id) WHERE lead_id IS NOT NULL;
--;;
CREATE UNIQUE INDEX messages_client_ref ON messages (workspace_id, client_ref) WHERE client_ref IS NOT NULL;
--;;
CREATE FUNCTION message_status(state text) RETURNS text LANGUAGE sql IMMUTABLE PARALLEL SAFE AS $$
  SELECT CASE WHEN state IN ('planned', 'held') THEN 'pending' WHEN state IN ('queued', 'claimed') THEN 'queued'
    WHEN state IN ('sent', 'delivered', 'read') THEN 'sent' WHEN state = 'failed' THEN 'failed'
    WHEN state = 'unknown' THEN 'unconfirmed' ELSE 'skipped' END $$;
--;;
CREATE TABLE message_moves (
  from_state text NOT NULL,
  to_state text NOT NULL,
  PRIMARY KEY (from_state, to_state)
);
--;;
-- The table of moves (reliability: message states). '' is "not there yet". outbox/model.py holds the same table; a test compares them.
INSERT INTO message_moves VALUES
  ('', 'planned'), ('', 'queued'), ('', 'held'), ('', 'suppressed'),
  ('planned', 'queued'), ('planned', 'held'), ('planned', 'cancelled'), ('planned', 'suppressed'), ('planned', 'expired'),
  ('held', 'queued'), ('held', 'cancelled'), ('held', 'suppressed'), ('held', 'expired'),
  ('queued', 'claimed'), ('queued', 'held'), ('queued', 'cancelled'), ('queued', 'suppressed'), ('queued', 'expired'),
  ('claimed', 'sent'), ('claimed', 'delivered'), ('claimed', 'read'), ('claimed', 'failed'), ('claimed', 'unknown'), ('claimed', 'queued'),
  ('unknown', 'sent'), ('unknown', 'delivered'), ('unknown', 'read'), ('unknown', 'failed'), ('unknown', 'queued'),
  ('sent', 'delivered'), ('sent', 'read'), ('sent', 'failed'),
  ('delivered', 'read'),
  ('failed', 'queued'), ('failed', 'delivered'), ('failed', 'read');
--;;
CREATE FUNCTION guard_message_move() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER SET search_path = public AS $$
DECLARE was text := '';
BEGIN
  IF TG_OP = 'UPDATE' THEN was := OLD.state; END IF;
  IF NOT EXISTS (SELECT 1 FROM message_moves WHERE from_state = was AND to_state = NEW.state) THEN
    RAISE EXCEPTION 'message may not move from % to %', CASE was WHEN '' THEN 'nothing' ELSE was END, NEW.state
      USING ERRCODE = 'check_violation', CONSTRAINT = 'message_move';
  END IF;
  RETURN NEW;
END $$;
--;;
CREATE TRIGGER guard_insert BEFORE INSERT ON messages FOR EACH ROW EXECUTE FUNCTION guard_message_move();
--;;
CREATE TRIGGER guard_update BEFORE UPDATE OF state ON messages FOR EACH ROW
  WHEN (OLD.state IS DISTINCT FROM NEW.state) EXECUTE FUNCTION guard_message_move();
--;;
-- ---------------------------------------------------------------- campaigns
CREATE TABLE campaigns (
  workspace_id uuid NOT NULL REFERENCES workspaces ON DELETE CASCADE,
  id uuid NOT NULL,
  title text NOT NULL,
  niche text NOT NULL,
  niche_keys text[],
  target_status text NOT NULL CHECK (target_status IN ('all', 'prospect', 'customer')),
  content_id uuid NOT NULL,
  campaign_date date,
  time_schedule time,
  time_zone text NOT NULL,
  due_at timestamptz NOT NULL,
  min_delay_seconds double precision NOT NULL,
  max_delay_seconds double precision NOT NULL CHECK (max_delay_seconds >= min_delay_seconds),
  device_ids uuid[],
  when_offline text NOT NULL DEFAULT 'wait' CHECK (when_offline IN ('wait', 'skip')),
  late_policy text NOT NULL DEFAULT 'ask' CHECK (late_policy IN ('ask', 'run', 'skip')),
  status text NOT NULL DEFAULT 'pending'
    CHECK (status IN ('pending', 'triggered', 'processing', 'paused', 'finished', 'failed', 'cancelled')),
  paused_from text CHECK (paused_from IN ('pending', 'triggered', 'processing')),
  status_reason text,
  planner_cursor uuid,
  planner_counts jsonb NOT NULL DEFAULT '{}',
  paused_at timestamptz,
  is_demo boolean NOT NULL DEFAULT false,
  started_at timestamptz,
  finished_at timestamptz,
  created_by uuid,
  created_at timestamptz NOT NULL,
  updated_at timestamptz NOT NULL,
  PRIMARY KEY (workspace_id, id),
  FOREIGN KEY (workspace_id, content_id) REFERENCES contents,
  CHECK ((status = 'paused') = (paused_from IS NOT NULL))
);
--;;
CREATE INDEX campaigns_open ON campaigns (status, due_at) WHERE status IN ('pending', 'triggered', 'processing');
--;;
CREATE TABLE plans (
  workspace_id uuid NOT NULL REFERENCES workspaces ON DELETE CASCADE,
  id uuid NOT NULL,
  campaign_id uuid,
  spec jsonb NOT NULL,
  hash text NOT NULL,
  created_at timestamptz NOT NULL,
  PRIMARY KEY (workspace_id, id),
  FOREIGN KEY (workspace_id, campaign_id) REFERENCES campaigns ON DELETE CASCADE
);
--;;
-- ---------------------------------------------------------------- walls and rights
DO $$
DECLARE name text;
BEGIN
  FOREACH name IN ARRAY ARRAY['members', 'sign_ins', 'api_keys', 'idempotency_keys', 'jobs', 'devices', 'device_events',
    'persons', 'imports', 'import_lines', 'import_rows', 'leads', 'media', 'contents', 'sources', 'lanes', 'messages', 'campaigns', 'plans'] LOOP
    PERFORM raise_wall(name::regclass);
    EXECUTE format('GRANT SELECT, INSERT, UPDATE, DELETE ON %I TO hantar_app', name);
  END LOOP;
  -- what the dispatcher may see and do, over all workspaces
  FOREACH name IN ARRAY ARRAY['devices', 'device_events', 'persons', 'leads', 'media', 'contents', 'sources', 'lanes',
    'messages', 'campaigns', 'jobs'] LOOP
    EXECUTE format('CREATE POLICY engine ON %I TO hantar_engine USING (true) WITH CHECK (true)', name);
    EXECUTE format('GRANT SELECT ON %I TO hantar_engine', name);
  END LOOP;
  -- what sign-in may see and do
  FOREACH name IN ARRAY ARRAY['members', 'sign_ins', 'api_keys'] LOOP
    EXECUTE format('CREATE POLICY door ON %I TO hantar_door USING (true) WITH CHECK (true)', name);
    EXECUTE format('GRANT SELECT, INSERT, UPDATE, DELETE ON %I TO hantar_door', name);
  END LOOP;
END $$;
--;;
ALTER TABLE workspaces ENABLE ROW LEVEL SECURITY;
--;;
ALTER TABLE workspaces FORCE ROW LEVEL SECURITY;
--;;
CREATE POLICY wall ON workspaces TO hantar_app USING (id = (SELECT current_workspace())) WITH CHECK (id = (SELECT current_workspace()));
--;;
CREATE POLICY door ON workspaces TO hantar_door USING (true) WITH CHECK (true);
--;;
CREATE POLICY engine ON workspaces FOR SELECT TO hantar_engine USING (true);
--;;
REVOKE UPDATE, DELETE ON contents FROM hantar_app;
--;;
GRANT DELETE ON contents TO hantar_app;
--;;
GRANT SELECT, UPDATE ON workspaces TO hantar_app;
--;;
GRANT SELECT ON workspaces, leases, message_moves, installation TO hantar_engine;
--;;
GRANT SELECT ON leases, message_moves TO hantar_app;
--;;
GRANT SELECT, INSERT, UPDATE, DELETE ON workspaces, users TO hantar_door;
--;;
GRANT SELECT, UPDATE ON installation TO hantar_door;
--;;
GRANT UPDATE ON devices, lanes, messages, campaigns, jobs, leases TO hantar_engine;
--;;
GRANT UPDATE (created_at) ON persons TO hantar_engine;
--;;
GRANT INSERT ON device_events, lanes, messages, contents, persons TO hantar_engine;
--;;
-- readiness compares the schema's step with the program's
GRANT SELECT ON alembic_version TO hantar_engine;
