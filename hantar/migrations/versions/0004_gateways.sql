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
