-- The second wall behind Patient.objects.visible_to: a forgotten filter returns nothing.
ALTER TABLE patients_careteammember ENABLE ROW LEVEL SECURITY;
ALTER TABLE patients_careteammember FORCE ROW LEVEL SECURITY;
ALTER TABLE patients_patient ENABLE ROW LEVEL SECURITY;
ALTER TABLE patients_patient FORCE ROW LEVEL SECURITY;

-- A function of its own, run as the system, because a policy on a table cannot read that table again.
CREATE OR REPLACE FUNCTION cc_cares_for(patient uuid, member bigint) RETURNS boolean LANGUAGE plpgsql STABLE AS $$
DECLARE
  actor_role text := cc_role();
  found_one boolean;
BEGIN
  PERFORM set_config('cardiocare.role', 'system', true);
  SELECT EXISTS (SELECT 1 FROM patients_careteammember m WHERE m.patient_id = patient AND m.user_id = member
    AND (m.ended_at IS NULL OR m.ended_at > now())) INTO found_one;
  PERFORM set_config('cardiocare.role', actor_role, true);
  RETURN found_one;
END $$;

CREATE POLICY team_system ON patients_careteammember USING (cc_role() = 'system');
CREATE POLICY team_read ON patients_careteammember FOR SELECT
  USING (user_id = (SELECT cc_user()) OR (cc_role() = 'doctor' AND cc_cares_for(patient_id, cc_user())));

CREATE POLICY patient_system ON patients_patient USING (cc_role() = 'system');
CREATE POLICY patient_care_team ON patients_patient USING (
  deleted_at IS NULL AND (SELECT cc_role()) IN ('doctor', 'integration')
  AND id IN (SELECT m.patient_id FROM patients_careteammember m
    WHERE m.user_id = (SELECT cc_user()) AND (m.ended_at IS NULL OR m.ended_at > now())));
CREATE POLICY patient_self ON patients_patient FOR SELECT
  USING (deleted_at IS NULL AND cc_role() = 'patient' AND user_id = (SELECT cc_user()));

DO $$
DECLARE entry text;
BEGIN
  FOREACH entry IN ARRAY ARRAY['note', 'condition', 'medication', 'allergy'] LOOP
    EXECUTE format('ALTER TABLE patients_%s ENABLE ROW LEVEL SECURITY', entry);
    EXECUTE format('ALTER TABLE patients_%s FORCE ROW LEVEL SECURITY', entry);
    EXECUTE format('CREATE POLICY history_doctor ON patients_%s USING (cc_role() = ''system'' OR (cc_role() = ''doctor'''
      ' AND EXISTS (SELECT 1 FROM patients_patient p WHERE p.id = patient_id)))', entry);
  END LOOP;
END $$;
