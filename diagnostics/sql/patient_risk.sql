-- The second wall behind PatientRisk.objects.visible_to, its immutability, and what is known of results from before.
ALTER TABLE diagnostics_patientrisk ENABLE ROW LEVEL SECURITY;
ALTER TABLE diagnostics_patientrisk FORCE ROW LEVEL SECURITY;
CREATE POLICY of_system ON diagnostics_patientrisk USING ((SELECT cc_role() = 'system'));
CREATE POLICY of_own_patients ON diagnostics_patientrisk FOR SELECT USING (
  (SELECT cc_role()) IN ('doctor', 'integration') AND patient_id IN (SELECT p.id FROM patients_patient p));
CREATE TRIGGER append_only BEFORE UPDATE OR DELETE ON diagnostics_patientrisk
  FOR EACH ROW EXECUTE FUNCTION cc_append_only();

SELECT set_config('cardiocare.role', 'system', true);
UPDATE diagnostics_diagnosis d SET evidence_kind = CASE WHEN u.media_type LIKE 'image/%' THEN 'image' ELSE 'recording' END
  FROM diagnostics_upload u WHERE u.id = d.upload_id AND d.finished_at IS NOT NULL;
UPDATE diagnostics_diagnosis d SET red_flags = '{lethal_rhythm}' WHERE d.risk_level = 'high' AND EXISTS (
  SELECT 1 FROM diagnostics_prediction p WHERE p.diagnosis_id = d.id AND p.attempt = d.attempt AND p.label = 'VF');
SELECT set_config('cardiocare.role', '', true);
