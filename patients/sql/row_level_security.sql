-- The second wall behind Patient.objects.visible_to: a forgotten filter returns nothing.
ALTER TABLE patients_careteammember ENABLE ROW LEVEL SECURITY;
ALTER TABLE patients_careteammember FORCE ROW LEVEL SECURITY;
ALTER TABLE patients_patient ENABLE ROW LEVEL SECURITY;
ALTER TABLE patients_patient FORCE ROW LEVEL SECURITY;

-- The patients on whose care team the acting doctor or integration is. A function of its own, run as the system, because the
-- policies of two tables that read each other would never end.
CREATE OR REPLACE FUNCTION cc_patients() RETURNS SETOF uuid LANGUAGE plpgsql STABLE AS $$
DECLARE actor_role text := cc_role();
BEGIN
  IF actor_role NOT IN ('doctor', 'integration') THEN RETURN; END IF;
  PERFORM set_config('cardiocare.role', 'system', true);
  RETURN QUERY SELECT p.id FROM patients_patient p JOIN patients_careteammember m ON m.patient_id = p.id
    WHERE m.user_id = cc_user() AND p.deleted_at IS NULL AND (m.ended_at IS NULL OR m.ended_at > now());
  PERFORM set_config('cardiocare.role', actor_role, true);
END $$;

CREATE POLICY team_system ON patients_careteammember USING (cc_role() = 'system');
CREATE POLICY team_read ON patients_careteammember FOR SELECT USING (patient_id IN (SELECT cc_patients()));

CREATE POLICY patient_system ON patients_patient USING (cc_role() = 'system');
CREATE POLICY patient_care_team ON patients_patient FOR SELECT USING (id IN (SELECT cc_patients()));
CREATE POLICY patient_self ON patients_patient FOR SELECT
  USING (deleted_at IS NULL AND cc_role() = 'patient' AND user_id = (SELECT cc_user()));

DO $$
DECLARE entry text;
BEGIN
  FOREACH entry IN ARRAY ARRAY['note', 'condition', 'medication', 'allergy'] LOOP
    EXECUTE format('ALTER TABLE patients_%s ENABLE ROW LEVEL SECURITY', entry);
    EXECUTE format('ALTER TABLE patients_%s FORCE ROW LEVEL SECURITY', entry);
    EXECUTE format('CREATE POLICY history_doctor ON patients_%s USING (cc_role() = ''system'' OR ((SELECT cc_role()) = ''doctor'''
      ' AND patient_id IN (SELECT cc_patients())))', entry);
  END LOOP;
END $$;
