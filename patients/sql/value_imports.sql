-- The second wall: an import and its rows belong to the doctor who began it.
ALTER TABLE patients_valueimport ENABLE ROW LEVEL SECURITY;
ALTER TABLE patients_valueimport FORCE ROW LEVEL SECURITY;
ALTER TABLE patients_valueimportrow ENABLE ROW LEVEL SECURITY;
ALTER TABLE patients_valueimportrow FORCE ROW LEVEL SECURITY;

CREATE POLICY of_system ON patients_valueimport USING ((SELECT cc_role() = 'system'));
CREATE POLICY of_owner ON patients_valueimport USING ((SELECT cc_role()) = 'doctor' AND created_by_id = (SELECT cc_user()));
CREATE POLICY of_system ON patients_valueimportrow USING ((SELECT cc_role() = 'system'));
CREATE POLICY of_owner ON patients_valueimportrow USING (
  (SELECT cc_role()) = 'doctor' AND table_id IN (SELECT id FROM patients_valueimport WHERE created_by_id = (SELECT cc_user())));
