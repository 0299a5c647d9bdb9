-- The second wall behind ClinicalValue.objects.visible_to, and the immutability of what was entered.
ALTER TABLE patients_clinicalvalue ENABLE ROW LEVEL SECURITY;
ALTER TABLE patients_clinicalvalue FORCE ROW LEVEL SECURITY;

CREATE POLICY of_system ON patients_clinicalvalue USING ((SELECT cc_role() = 'system'));
CREATE POLICY of_care_team ON patients_clinicalvalue FOR SELECT USING (
  (SELECT cc_role()) IN ('doctor', 'integration') AND patient_id IN (SELECT cc_patients()));
-- Nobody enters a value in another's name.
CREATE POLICY by_care_team ON patients_clinicalvalue FOR INSERT WITH CHECK (
  (SELECT cc_role()) IN ('doctor', 'integration') AND patient_id IN (SELECT cc_patients()) AND entered_by_id = (SELECT cc_user()));

CREATE TRIGGER append_only BEFORE UPDATE OR DELETE ON patients_clinicalvalue
  FOR EACH ROW EXECUTE FUNCTION cc_append_only();
