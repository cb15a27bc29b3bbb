-- An audience to enqueue: one workspace, its devices, people with an alias and a consent each, leads, opt-outs, some history.
-- {people}, {devices}, {history}, {driver} are replaced; ids rise with n as real ones rise with time.
SET session_replication_role = replica
--;;
SET synchronous_commit = off
--;;
SET maintenance_work_mem = '512MB'
--;;
CREATE FUNCTION made(kind int, n bigint) RETURNS uuid LANGUAGE sql IMMUTABLE PARALLEL SAFE AS $$
  SELECT (lpad(to_hex(kind), 2, '0') || lpad(to_hex(n), 6, '0') || '-0000-7000-8000-' || substr(md5(kind || ':' || n), 1, 12))::uuid $$
--;;
INSERT INTO workspaces (id, name, time_zone, created_at) VALUES (made(1, 1), 'Audience', 'Asia/Kuala_Lumpur', now())
--;;
INSERT INTO devices (workspace_id, id, name, driver, wanted, is_linked, state, state_since, linked_at, per_minute, per_hour, per_day,
  created_at, updated_at)
SELECT made(1, 1), made(2, n), 'D' || n, '{driver}', 'connected', true, 'online', now(), now() - interval '100 days', 20, 500, 5000,
  now(), now() FROM generate_series(1, {devices}) n
--;;
INSERT INTO persons (workspace_id, id, phone, zones, created_at)
SELECT made(1, 1), made(3, n), '60' || (100000000 + n), ARRAY[CASE WHEN n % 10 = 0 THEN 'Europe/Berlin' ELSE 'Asia/Kuala_Lumpur' END],
  now() - interval '90 days' FROM generate_series(1, {people}) n
--;;
INSERT INTO person_aliases (workspace_id, kind, value, key, person_id, created_at)
SELECT workspace_id, 'phone', phone, sha256(('phone:' || phone)::bytea), id, created_at FROM persons
--;;
INSERT INTO consents (workspace_id, id, person_id, purpose, wording, source, given_at, created_at)
SELECT made(1, 1), made(5, n), made(3, n), 'marketing', 'Yes, write to me.', 'web_form', now() - interval '60 days', now()
FROM generate_series(1, {people}) n
--;;
INSERT INTO leads (workspace_id, id, person_id, device_id, name, phone, niches, niche_keys, attributes, created_at, updated_at)
SELECT made(1, 1), made(4, n), made(3, n), made(2, 1 + n % {devices}), 'Lead ' || n, '60' || (100000000 + n), '{FIT}', '{fit}',
  '{"city": "Ipoh"}', now(), now() FROM generate_series(1, {people}) n
--;;
-- one in a hundred asked to hear nothing more
INSERT INTO suppressions (workspace_id, id, person_id, reason, source, at)
SELECT made(1, 1), made(6, n), made(3, n), 'stop', 'keyword', now() - interval '30 days' FROM generate_series(50, {people}, 100) n
--;;
INSERT INTO suppression_keys (workspace_id, key, suppression_id)
SELECT s.workspace_id, a.key, s.id FROM suppressions s
JOIN person_aliases a ON (a.workspace_id, a.person_id) = (s.workspace_id, s.person_id)
--;;
INSERT INTO contents (workspace_id, id, kind, text, created_at) VALUES (made(1, 1), made(7, 1), 'text', 'Hello', now())
--;;
-- what older campaigns sent: a million in the first, a hundred thousand in each other
INSERT INTO messages (workspace_id, id, kind, source_id, person_id, lead_id, device_id, content_id, phone, state, priority, not_before,
  expires_at, text, claimed_at, sent_at, delivered_at, ended_at, wire_id, created_at)
SELECT made(1, 1), made(8, n), 'campaign', made(9, greatest(n, 999999) / 100000), made(3, p), made(4, p), made(2, 1 + p % {devices}), made(7, 1),
  '60' || (100000000 + p), 'delivered', 5, at, at, 'Hello', at, at, at, at, upper(md5(n::text)), at
FROM (SELECT n, 1 + (n::bigint * 7919) % {people} AS p, now() - make_interval(hours => 200 + (n % 450)::int) AS at
      FROM generate_series(1, {history}) n) each
--;;
INSERT INTO campaigns (workspace_id, id, title, niche, target_status, content_id, time_zone, due_at, min_delay_seconds, max_delay_seconds,
  status, started_at, finished_at, created_at, updated_at)
SELECT made(1, 1), made(9, n), 'Campaign ' || n, 'FIT', 'all', made(7, 1), 'Asia/Kuala_Lumpur', at, 10, 30, 'finished', at, at, at, at
FROM (SELECT n, now() - make_interval(hours => 700 - n) AS at FROM generate_series(9, {history} / 100000) n) each
--;;
SET session_replication_role = origin
