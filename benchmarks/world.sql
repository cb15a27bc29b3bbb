-- What the claim's benchmark claims from: persons with aliases, opt-outs, consents, chats, history, and queued messages.
-- {persons}, {suppressed}, {history}, {devices}, {queued} are replaced by numbers; ids rise with n as real ones rise with time.
SET session_replication_role = replica
--;;
SET synchronous_commit = off
--;;
SET maintenance_work_mem = '512MB'
--;;
CREATE FUNCTION made(kind int, n bigint) RETURNS uuid LANGUAGE sql IMMUTABLE PARALLEL SAFE AS $$
  SELECT (lpad(to_hex(kind), 2, '0') || lpad(to_hex(n), 6, '0') || '-0000-7000-8000-' || substr(md5(kind || ':' || n), 1, 12))::uuid $$
--;;
-- zones in which it is day now, and for every fiftieth person one in which it is night
CREATE TEMP TABLE zones AS
SELECT name, extract(hour FROM now() AT TIME ZONE name) BETWEEN 9 AND 17 AS is_day
FROM unnest(ARRAY['Asia/Kuala_Lumpur', 'Asia/Tokyo', 'Australia/Perth', 'Asia/Kolkata', 'Asia/Dubai', 'Africa/Nairobi',
  'Europe/Berlin', 'Europe/London', 'America/Sao_Paulo', 'America/New_York', 'America/Denver', 'America/Los_Angeles',
  'Pacific/Honolulu', 'Pacific/Auckland']) AS name
--;;
INSERT INTO workspaces (id, name, time_zone, created_at) SELECT made(1, w), 'W' || w, 'Asia/Kuala_Lumpur', now() FROM generate_series(1, 4) w
--;;
INSERT INTO persons (workspace_id, id, phone, zones, created_at)
SELECT made(1, 1 + n % 4), made(2, n), '60' || (100000000 + n),
  ARRAY[CASE WHEN n % 50 = 0 THEN (SELECT name FROM zones WHERE NOT is_day LIMIT 1)
        ELSE (SELECT (array_agg(name))[1 + n % count(*)] FROM zones WHERE is_day) END], now() - interval '90 days'
FROM generate_series(1, {persons}) n
--;;
INSERT INTO person_aliases (workspace_id, kind, value, key, person_id, created_at)
SELECT workspace_id, 'phone', phone, sha256(('phone:' || phone)::bytea), id, created_at FROM persons
--;;
INSERT INTO person_aliases (workspace_id, kind, value, key, person_id, created_at)
SELECT workspace_id, 'lid', 'L' || phone, sha256(('lid:' || phone)::bytea), id, created_at FROM persons WHERE phone LIKE '%7'
--;;
INSERT INTO suppressions (workspace_id, id, person_id, reason, source, at)
SELECT made(1, 1 + n % 4), made(3, n), made(2, n), 'stop', 'keyword', now() - interval '30 days'
FROM generate_series(1, {persons}, {persons} / {suppressed}) n
--;;
INSERT INTO suppression_keys (workspace_id, key, suppression_id)
SELECT s.workspace_id, a.key, s.id FROM suppressions s
JOIN person_aliases a ON (a.workspace_id, a.person_id) = (s.workspace_id, s.person_id)
--;;
INSERT INTO global_suppressions (key, id, reason, at)
SELECT sha256(('elsewhere:' || n)::bytea), made(4, n), 'complaint', now() FROM generate_series(1, 1000) n
--;;
INSERT INTO consents (workspace_id, id, person_id, purpose, wording, source, given_at, created_at)
SELECT made(1, 1 + n % 4), made(5, n), made(2, n), 'marketing', 'Yes, write to me.', 'web_form', now() - interval '60 days', now()
FROM generate_series(1, {persons}) n
--;;
INSERT INTO holds (workspace_id, id, person_id, kind, at)
SELECT made(1, 1 + n % 4), made(6, n), made(2, n), 'intent', now() FROM generate_series(7, {persons}, 1000) n
--;;
INSERT INTO devices (workspace_id, id, name, driver, wanted, is_linked, state, state_since, linked_at, per_minute, per_hour, per_day,
  created_at, updated_at)
SELECT made(1, 1 + n % 4), made(7, n), 'D' || n, 'linked', 'connected', true, 'online', now(), now() - interval '100 days', 20, 500, 5000,
  now(), now() FROM generate_series(1, {devices}) n
--;;
INSERT INTO lanes (workspace_id, device_id, shard, next_at)
SELECT workspace_id, id, ('x' || right(id::text, 4))::bit(16)::int % 64, now() + interval '10 days' FROM devices
--;;
INSERT INTO policies (workspace_id, version, values, reason, at)
SELECT id, 1, '{"linked": {"person_cap_week": 6, "device_new_chats": 5000}}', 'Our own.', now() FROM workspaces
--;;
INSERT INTO contents (workspace_id, id, kind, text, created_at)
SELECT id, made(8, 1), 'text', 'Hello {{ name }}, our shop in {{ city | default: "town" }} opens on Friday. Reply STOP to hear no more.', now()
FROM workspaces
--;;
INSERT INTO sources (workspace_id, id, kind, min_delay_seconds, max_delay_seconds, rules)
SELECT w.id, made(9, c), 'campaign', 10, 30, CASE WHEN c = 1 THEN '{"quiet_end": 1200}' ELSE '{}' END::jsonb
FROM workspaces w, generate_series(1, 3) c
--;;
INSERT INTO leads (workspace_id, id, person_id, device_id, name, phone, niches, niche_keys, attributes, created_at, updated_at)
SELECT workspace_id, made(10, substr(phone, 3)::bigint - 100000000), id, NULL, 'Lead ' || phone, phone, '{FIT}', '{fit}',
  '{"city": "Ipoh"}', now(), now() FROM persons
--;;
-- what was sent in the last 20 days, mostly outside the cap's week
INSERT INTO messages (workspace_id, id, kind, source_id, person_id, device_id, content_id, phone, state, priority, not_before, expires_at,
  text, claimed_at, sent_at, delivered_at, ended_at, wire_id, created_at)
SELECT made(1, 1 + p % 4), made(11, n), 'campaign', made(9, 10 + n / {persons}), made(2, p), made(7, 1 + p % {devices}), made(8, 1),
  '60' || (100000000 + p), 'delivered', 5, at, at, 'Hello', at, at, at, at, upper(md5(n::text)), at
FROM (SELECT n, 1 + (n::bigint * 7919) % {persons} AS p, now() - make_interval(hours => 30 + (n % 450)::int) AS at
      FROM generate_series(1, {history}) n) each
--;;
INSERT INTO chats (workspace_id, device_id, person_id, first_out_at, last_out_at, last_in_at)
SELECT workspace_id, device_id, person_id, min(claimed_at), max(claimed_at),
  CASE WHEN random() < 0.05 THEN max(claimed_at) END FROM messages GROUP BY 1, 2, 3
--;;
-- what waits: each device writes to its own people, who came with one import and so stand together; some of them opted out
INSERT INTO messages (workspace_id, id, kind, source_id, person_id, lead_id, device_id, content_id, name, phone, state, priority,
  not_before, expires_at, created_at)
SELECT d.workspace_id, made(12, n), 'campaign', made(9, 1 + n % 3), made(2, p), made(10, p), d.id, made(8, 1), 'Lead',
  '60' || (100000000 + p), 'queued', 5, now() - interval '1 hour', now() + interval '3 days', now()
FROM (SELECT n, 1 + n % {devices} AS device, n / {devices} AS seat FROM generate_series(1, {queued}) n) each
CROSS JOIN LATERAL (SELECT 4 * ((device / 4) * ({persons} / {devices}) + seat) + device % 4 AS p) person
JOIN devices d ON d.id = made(7, device)
WHERE p BETWEEN 1 AND {persons} AND (p % ({persons} / {suppressed}) <> 1 OR n % 5 = 0)
ON CONFLICT DO NOTHING
--;;
SET session_replication_role = origin
