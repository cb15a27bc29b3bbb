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
