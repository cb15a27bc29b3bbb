-- ---------------------------------------------------------------- the engine at fleet size
-- used: how much was sent lately, by slices of time, so that limits hold in every minute, hour and day (outbox/windows.py)
ALTER TABLE lanes ADD COLUMN used bytea;
--;;
-- whether this person's number is on WhatsApp, and when that was last looked up
ALTER TABLE persons ADD COLUMN checked_at timestamptz, ADD COLUMN is_on_whatsapp boolean;
