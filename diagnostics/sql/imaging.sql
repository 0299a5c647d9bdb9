-- The second wall behind visible_to for DICOM studies, their series and their instances.
DO $$
DECLARE name text;
BEGIN
  FOREACH name IN ARRAY ARRAY['dicomstudy', 'dicomseries', 'dicominstance'] LOOP
    EXECUTE format('ALTER TABLE diagnostics_%s ENABLE ROW LEVEL SECURITY', name);
    EXECUTE format('ALTER TABLE diagnostics_%s FORCE ROW LEVEL SECURITY', name);
    EXECUTE format('CREATE POLICY of_system ON diagnostics_%s USING ((SELECT cc_role() = ''system''))', name);
  END LOOP;
  FOREACH name IN ARRAY ARRAY['dicomseries', 'dicominstance'] LOOP
    EXECUTE format('CREATE POLICY of_seen_studies ON diagnostics_%s USING ((SELECT cc_role()) IN (''doctor'', ''integration'')'
      ' AND study_id IN (SELECT s.id FROM diagnostics_dicomstudy s))', name);
  END LOOP;
END $$;

-- A held study is of no patient yet: those see it who care for the patient whom the sender named, else those who work with the sender.
CREATE POLICY of_own_patients ON diagnostics_dicomstudy USING ((SELECT cc_role()) IN ('doctor', 'integration') AND (
  patient_id IN (SELECT p.id FROM patients_patient p)
  OR (patient_id IS NULL AND (
    claimed_patient_id IN (SELECT p.id FROM patients_patient p)
    OR (claimed_patient_id IS NULL AND (received_by_id = (SELECT cc_user()) OR received_by_id IN (
      SELECT m.user_id FROM patients_careteammember m WHERE m.ended_at IS NULL OR m.ended_at > now())))))));
