-- The second wall behind visible_to for deliveries to the archive: a doctor sees those of predictions that the doctor sees.
ALTER TABLE diagnostics_archivedelivery ENABLE ROW LEVEL SECURITY;
ALTER TABLE diagnostics_archivedelivery FORCE ROW LEVEL SECURITY;
CREATE POLICY of_system ON diagnostics_archivedelivery USING ((SELECT cc_role() = 'system'));
CREATE POLICY of_seen_predictions ON diagnostics_archivedelivery USING ((SELECT cc_role()) = 'doctor'
  AND prediction_id IN (SELECT p.id FROM diagnostics_prediction p));
