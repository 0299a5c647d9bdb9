-- The second wall behind visible_to, and immutability of what was answered and signed.
DO $$
DECLARE name text;
BEGIN
  FOREACH name IN ARRAY ARRAY['upload', 'diagnosis', 'prediction', 'heatmap', 'review', 'report'] LOOP
    EXECUTE format('ALTER TABLE diagnostics_%s ENABLE ROW LEVEL SECURITY', name);
    EXECUTE format('ALTER TABLE diagnostics_%s FORCE ROW LEVEL SECURITY', name);
    EXECUTE format('CREATE POLICY of_system ON diagnostics_%s USING (cc_role() = ''system'')', name);
  END LOOP;
  FOREACH name IN ARRAY ARRAY['upload', 'diagnosis'] LOOP
    EXECUTE format('CREATE POLICY of_own_patients ON diagnostics_%s USING ((SELECT cc_role()) IN (''doctor'', ''integration'')'
      ' AND patient_id IN (SELECT p.id FROM patients_patient p))', name);
  END LOOP;
  FOREACH name IN ARRAY ARRAY['prediction', 'heatmap', 'report'] LOOP
    EXECUTE format('CREATE TRIGGER append_only BEFORE UPDATE OR DELETE ON diagnostics_%s'
      ' FOR EACH ROW EXECUTE FUNCTION cc_append_only()', name);
  END LOOP;
END $$;

CREATE POLICY of_own_patients ON diagnostics_prediction FOR SELECT USING (
  (SELECT cc_role()) IN ('doctor', 'integration') AND EXISTS (SELECT 1 FROM diagnostics_diagnosis d WHERE d.id = diagnosis_id));
CREATE POLICY provenance ON diagnostics_prediction FOR SELECT USING (cc_role() IN ('admin', 'auditor'));
CREATE POLICY of_own_patients ON diagnostics_heatmap FOR SELECT USING (
  (SELECT cc_role()) IN ('doctor', 'integration')
  AND EXISTS (SELECT 1 FROM diagnostics_prediction p WHERE p.id = prediction_id));
CREATE POLICY of_own_patients ON diagnostics_review USING (
  (SELECT cc_role()) = 'doctor' AND EXISTS (SELECT 1 FROM diagnostics_diagnosis d WHERE d.id = diagnosis_id));
CREATE POLICY of_own_patients ON diagnostics_report USING (
  (SELECT cc_role()) = 'doctor' AND patient_id IN (SELECT p.id FROM patients_patient p));
CREATE POLICY of_self ON diagnostics_report FOR SELECT USING (
  (SELECT cc_role()) = 'patient' AND patient_id IN (SELECT p.id FROM patients_patient p));
