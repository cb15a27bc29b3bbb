-- What the real work works on, in the shape of Hantar's own tables. {devices} and {messages} are replaced by numbers.
CREATE TABLE devices (
  workspace_id uuid NOT NULL, id uuid NOT NULL, name text NOT NULL, state text NOT NULL, sending_paused boolean NOT NULL,
  per_minute int NOT NULL, per_hour int NOT NULL, per_day int NOT NULL, PRIMARY KEY (workspace_id, id));
CREATE TABLE lanes (
  workspace_id uuid NOT NULL, device_id uuid NOT NULL, minute_start timestamptz NOT NULL, minute_count int NOT NULL,
  hour_start timestamptz NOT NULL, hour_count int NOT NULL, day_start timestamptz NOT NULL, day_count int NOT NULL,
  PRIMARY KEY (workspace_id, device_id)) WITH (fillfactor = 50);
CREATE TABLE persons (
  workspace_id uuid NOT NULL, id uuid NOT NULL, phone text NOT NULL, key bytea NOT NULL, PRIMARY KEY (workspace_id, id));
CREATE TABLE suppressions (
  workspace_id uuid NOT NULL, id uuid NOT NULL, person_id uuid NOT NULL, reason text NOT NULL, PRIMARY KEY (workspace_id, id));
CREATE INDEX suppressions_person ON suppressions (workspace_id, person_id);
CREATE TABLE global_suppressions (key bytea PRIMARY KEY, reason text NOT NULL);
CREATE TABLE consents (
  workspace_id uuid NOT NULL, id uuid NOT NULL, person_id uuid NOT NULL, purpose text NOT NULL, given_at timestamptz NOT NULL,
  withdrawn_at timestamptz, PRIMARY KEY (workspace_id, id));
CREATE INDEX consents_person ON consents (workspace_id, person_id, purpose);
CREATE TABLE messages (
  workspace_id uuid NOT NULL, id uuid NOT NULL, person_id uuid NOT NULL, device_id uuid NOT NULL, phone text NOT NULL,
  text text NOT NULL, state text NOT NULL, reason text, expires_at timestamptz NOT NULL, claimed_at timestamptz,
  sent_at timestamptz, ended_at timestamptz, PRIMARY KEY (workspace_id, id)) WITH (fillfactor = 70);

CREATE FUNCTION made(kind text, n bigint) RETURNS uuid LANGUAGE sql IMMUTABLE PARALLEL SAFE AS $$
  SELECT (kind || '000000-0000-7000-8000-' || lpad(to_hex(n), 12, '0'))::uuid $$;
INSERT INTO devices SELECT made('01', 1), made('07', n), 'D' || n, 'online', false, 6000, 200000, 2000000
  FROM generate_series(0, {devices} - 1) n;
INSERT INTO lanes SELECT workspace_id, id, now(), 0, now(), 0, now(), 0 FROM devices;
INSERT INTO persons SELECT made('01', 1), made('02', n), '60' || (100000000 + n), sha256((n || '')::bytea)
  FROM generate_series(0, {messages} - 1) n;
-- one in fifty opted out, one in a hundred never agreed
INSERT INTO suppressions SELECT made('01', 1), made('03', n), made('02', n), 'stop'
  FROM generate_series(7, {messages} - 1, 50) n;
INSERT INTO consents SELECT made('01', 1), made('05', n), made('02', n), 'marketing', now() - interval '60 days', NULL
  FROM generate_series(0, {messages} - 1) n WHERE n % 100 <> 3;
INSERT INTO messages
SELECT made('01', 1), made('0c', n), made('02', n), made('07', n % {devices}), '60' || (100000000 + n),
  'Hello, our shop in Ipoh opens on Friday. Reply STOP to hear no more.', 'queued', NULL, now() + interval '3 days'
FROM generate_series(0, {messages} - 1) n;
CREATE INDEX messages_person ON messages (workspace_id, person_id) WHERE sent_at IS NOT NULL;
