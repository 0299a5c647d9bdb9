-- The second wall behind visible_to for refused files: their senders write and see them, administrators see all.
ALTER TABLE diagnostics_refusedobject ENABLE ROW LEVEL SECURITY;
ALTER TABLE diagnostics_refusedobject FORCE ROW LEVEL SECURITY;
CREATE POLICY of_system ON diagnostics_refusedobject USING ((SELECT cc_role() = 'system'));
CREATE POLICY of_sender ON diagnostics_refusedobject USING ((SELECT cc_role()) IN ('doctor', 'integration')
  AND received_by_id = (SELECT cc_user()));
CREATE POLICY of_administrators ON diagnostics_refusedobject FOR SELECT USING ((SELECT cc_role() = 'admin'));
