-- The second wall behind visible_to for copies of studies without identity: a doctor sees those of studies that the doctor sees.
ALTER TABLE diagnostics_studyexport ENABLE ROW LEVEL SECURITY;
ALTER TABLE diagnostics_studyexport FORCE ROW LEVEL SECURITY;
CREATE POLICY of_system ON diagnostics_studyexport USING ((SELECT cc_role() = 'system'));
CREATE POLICY of_seen_studies ON diagnostics_studyexport USING ((SELECT cc_role()) = 'doctor'
  AND study_id IN (SELECT s.id FROM diagnostics_dicomstudy s));
