-- ---------------------------------------------------------------- fewer entries (docs/decisions/0013-own-rows-only.md)
-- a claim makes a new row version with an entry in each index that knows it, 5 to 6 us each; so a device's messages have one index
-- instead of two: with `claimed_at` NULL for what has not left, it serves the list of a device, its newest attempts and its end
DROP INDEX messages_attempted;
--;;
DROP INDEX messages_device;
--;;
CREATE INDEX messages_attempted ON messages (workspace_id, device_id, claimed_at);
--;;
-- a person's chats stand together: the claim asks for them by person, and the key alone serves that
ALTER TABLE chats DROP CONSTRAINT chats_pkey, ADD CONSTRAINT chats_pkey PRIMARY KEY (workspace_id, person_id, device_id);
--;;
DROP INDEX chats_person;
