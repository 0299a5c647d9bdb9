-- The audit trail is append-only and hash-chained: each row's hash covers its columns and the hash of the row before.
CREATE OR REPLACE FUNCTION cc_audit_hash(e accounts_auditevent) RETURNS text LANGUAGE sql STABLE AS $$
  SELECT encode(sha256(convert_to(jsonb_build_array(
    e.prev_hash, extract(epoch FROM e.at)::text, e.actor_id, e.actor_name, e.actor_role, e.via, host(e.ip), e.request_id,
    e.action, e.outcome, e.object_type, e.object_id, e.patient_id, e.detail)::text, 'UTF8')), 'hex')
$$;

CREATE OR REPLACE FUNCTION cc_audit_chain() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE actor_role text := cc_role();
BEGIN
  PERFORM set_config('cardiocare.role', 'system', true);  -- the chain is read whoever acts
  PERFORM pg_advisory_xact_lock(7130114);
  SELECT hash INTO NEW.prev_hash FROM accounts_auditevent ORDER BY id DESC LIMIT 1;
  NEW.prev_hash := coalesce(NEW.prev_hash, '');
  NEW.id := nextval(pg_get_serial_sequence('accounts_auditevent', 'id'));
  NEW.at := clock_timestamp();
  NEW.hash := cc_audit_hash(NEW);
  PERFORM set_config('cardiocare.role', actor_role, true);
  RETURN NEW;
END $$;

CREATE OR REPLACE FUNCTION cc_append_only() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  RAISE EXCEPTION '% is append-only', TG_TABLE_NAME USING ERRCODE = 'insufficient_privilege';
END $$;

CREATE TRIGGER audit_chain BEFORE INSERT ON accounts_auditevent FOR EACH ROW EXECUTE FUNCTION cc_audit_chain();
CREATE TRIGGER audit_append_only BEFORE UPDATE OR DELETE ON accounts_auditevent
  FOR EACH ROW EXECUTE FUNCTION cc_append_only();

ALTER TABLE accounts_auditevent ENABLE ROW LEVEL SECURITY;
ALTER TABLE accounts_auditevent FORCE ROW LEVEL SECURITY;
CREATE POLICY audit_read ON accounts_auditevent FOR SELECT USING (cc_role() IN ('system', 'admin', 'auditor'));
CREATE POLICY audit_write ON accounts_auditevent FOR INSERT WITH CHECK (true);
