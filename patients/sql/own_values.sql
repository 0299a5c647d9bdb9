-- Patients read their own values; writing stays with the care team.
CREATE POLICY of_the_patient ON patients_clinicalvalue FOR SELECT USING (
  (SELECT cc_role()) = 'patient' AND patient_id IN (SELECT id FROM patients_patient WHERE user_id = (SELECT cc_user())));
