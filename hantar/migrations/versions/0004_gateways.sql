-- ---------------------------------------------------------------- what drivers keep about devices, sealed (gateways/keeping.py)
-- sealed with the installation's key; a pairing is the master copy of a linked device's session, a token lets a Cloud API number send
CREATE TABLE device_secrets (
  workspace_id uuid NOT NULL,
  device_id uuid NOT NULL,
  driver text NOT NULL,
  sealed bytea NOT NULL,
  updated_at timestamptz NOT NULL,
  PRIMARY KEY (workspace_id, device_id),
  FOREIGN KEY (workspace_id, device_id) REFERENCES devices ON DELETE CASCADE
);
--;;
SELECT raise_wall('device_secrets');
--;;
CREATE POLICY engine ON device_secrets TO hantar_engine USING (true) WITH CHECK (true);
--;;
GRANT SELECT, INSERT, UPDATE, DELETE ON device_secrets TO hantar_app, hantar_engine;
--;;
-- ---------------------------------------------------------------- numbers of the Cloud API (gateways/credentials.py)
-- what the service says about a number; nothing secret. A webhook names a number id only, which finds workspace and device
CREATE TABLE cloud_numbers (
  workspace_id uuid NOT NULL,
  device_id uuid NOT NULL,
  number_id text NOT NULL,
  business_id text,
  verified_name text NOT NULL DEFAULT '',
  quality text NOT NULL DEFAULT 'unknown' CHECK (quality IN ('green', 'yellow', 'red', 'unknown')),
  tier int CHECK (tier >= 0),
  checked_at timestamptz NOT NULL,
  PRIMARY KEY (workspace_id, device_id),
  FOREIGN KEY (workspace_id, device_id) REFERENCES devices ON DELETE CASCADE
);
--;;
CREATE UNIQUE INDEX cloud_numbers_number ON cloud_numbers (number_id);
--;;
SELECT raise_wall('cloud_numbers');
--;;
CREATE POLICY engine ON cloud_numbers TO hantar_engine USING (true) WITH CHECK (true);
--;;
GRANT SELECT, INSERT, UPDATE, DELETE ON cloud_numbers TO hantar_app, hantar_engine;
--;;
-- ---------------------------------------------------------------- files of every kind
-- a file's first piece lies in its own row (a picture is never longer), the others here, numbered from 1
ALTER TABLE media ADD COLUMN kind text NOT NULL DEFAULT 'image' CHECK (kind IN ('image', 'video', 'audio', 'document'));
--;;
CREATE TABLE media_pieces (
  workspace_id uuid NOT NULL,
  media_id uuid NOT NULL,
  number int NOT NULL CHECK (number > 0),
  bytes bytea NOT NULL,
  PRIMARY KEY (workspace_id, media_id, number),
  FOREIGN KEY (workspace_id, media_id) REFERENCES media ON DELETE CASCADE
);
--;;
-- films and packed documents do not pack any further
ALTER TABLE media_pieces ALTER COLUMN bytes SET STORAGE EXTERNAL;
--;;
SELECT raise_wall('media_pieces');
--;;
CREATE POLICY engine ON media_pieces TO hantar_engine USING (true) WITH CHECK (true);
--;;
GRANT SELECT, INSERT, DELETE ON media_pieces TO hantar_app;
--;;
GRANT SELECT ON media_pieces TO hantar_engine;
--;;
ALTER TABLE contents DROP CONSTRAINT contents_kind_check,
  ADD CONSTRAINT contents_kind_check CHECK (kind IN ('text', 'image', 'video', 'audio', 'document', 'template'));
--;;
-- ---------------------------------------------------------------- webhooks of the Cloud API (hooks/)
-- raw, as they came and after their signature was checked; whose they are is known when they are read. Gone when worked off
CREATE TABLE cloud_hooks (
  id uuid PRIMARY KEY,
  body bytea NOT NULL,
  received_at timestamptz NOT NULL,
  tries smallint NOT NULL DEFAULT 0,
  next_at timestamptz NOT NULL,
  set_aside_at timestamptz,
  why text
);
--;;
CREATE INDEX cloud_hooks_waiting ON cloud_hooks (id) WHERE set_aside_at IS NULL;
--;;
CREATE INDEX cloud_hooks_aside ON cloud_hooks (set_aside_at) WHERE set_aside_at IS NOT NULL;
--;;
GRANT SELECT, INSERT, UPDATE, DELETE ON cloud_hooks TO hantar_engine;
--;;
-- ---------------------------------------------------------------- templates of the Cloud API (templates/)
CREATE TABLE templates (
  workspace_id uuid NOT NULL,
  device_id uuid NOT NULL,
  name text NOT NULL,
  language text NOT NULL,
  category text NOT NULL DEFAULT '',
  status text NOT NULL,
  body text NOT NULL DEFAULT '',
  places int NOT NULL DEFAULT 0,
  header text NOT NULL DEFAULT '' CHECK (header IN ('', 'image', 'video', 'document')),
  quality text NOT NULL DEFAULT '',
  why text NOT NULL DEFAULT '',
  cannot text NOT NULL DEFAULT '',
  changed_at timestamptz NOT NULL,
  synced_at timestamptz NOT NULL,
  PRIMARY KEY (workspace_id, device_id, name, language),
  FOREIGN KEY (workspace_id, device_id) REFERENCES devices ON DELETE CASCADE
);
--;;
SELECT raise_wall('templates');
--;;
CREATE POLICY engine ON templates TO hantar_engine USING (true) WITH CHECK (true);
--;;
GRANT SELECT, INSERT, UPDATE, DELETE ON templates TO hantar_app, hantar_engine;
--;;
-- when the templates of a number were read last; NULL: to be read now
ALTER TABLE cloud_numbers ADD COLUMN templates_read_at timestamptz;
--;;
-- since when the service judges a number so; NULL: as long as we know it
ALTER TABLE cloud_numbers ADD COLUMN quality_since timestamptz;
--;;
-- a template message's text is the approved body with our own fields in its places; what the service gets stands beside it
ALTER TABLE contents ADD COLUMN template jsonb;
--;;
GRANT UPDATE (template) ON contents TO hantar_app;
--;;
-- a file that somebody sent: {kind, mime, name, size, ref}; it is fetched by its driver's own word for it
ALTER TABLE inbound_messages ADD COLUMN media jsonb;
